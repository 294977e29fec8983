//! The smallest image there is, made without a network: one layer with one file in it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A layer: a tar archive (POSIX.1-1988 ustar) of the file `proof`, which says `text`.
pub(crate) fn layer(text: &str) -> Vec<u8> {
    let mut header = [0; BLOCK];
    let mut put = |offset: usize, field: &str| {
        header[offset..offset + field.len()].copy_from_slice(field.as_bytes());
    };
    put(0, "proof");
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{:011o}", text.len()));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    // The sum is taken while its own field holds spaces.
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());

    let mut archive = header.to_vec();
    archive.extend(text.as_bytes());
    archive.resize(archive.len().next_multiple_of(BLOCK) + 2 * BLOCK, 0);
    archive
}

/// Makes a directory an OCI image layout with that layer, tagged `latest`.
pub(crate) fn layout(layout: &Path, text: &str) {
    fs::create_dir_all(layout.join("blobs/sha256")).expect("a directory");
    let layer = layer(text);
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
    })
    .to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(layout, "application/vnd.oci.image.config.v1+json", config.as_bytes()),
        "layers": [blob(layout, "application/vnd.oci.image.layer.v1.tar", &layer)],
    })
    .to_string();
    let mut manifest = blob(layout, MANIFEST, manifest.as_bytes());
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    fs::write(layout.join("index.json"), index.to_string()).expect("a file");
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("a file");
}

/// Writes a blob and answers its descriptor.
fn blob(layout: &Path, media_type: &str, content: &[u8]) -> Value {
    let digest = digest(content);
    let name = digest.replace(':', "/");
    fs::write(layout.join("blobs").join(name), content).expect("a file");
    json!({ "mediaType": media_type, "digest": digest, "size": content.len() })
}

fn digest(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .fold("sha256:".to_owned(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes any text");
            text
        })
}

const BLOCK: usize = 512;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
