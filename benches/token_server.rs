//! A registry at `/v2/` and its token server at `/token` under the figures of a cached token, on a port of loopback:
//! they answer at once and always the same. `benches/run` builds it as it builds the no-op, since it needs nothing.
//!
//! On stdout: host and port. Nobody is asked for a password; what is measured is who asks.

#[path = "answer.rs"]
mod answer;

use std::io;
use std::net::TcpListener;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = listener.local_addr()?.to_string();
    println!("{here}");
    for stream in listener.incoming() {
        // Who hangs up has had enough; the next one is served all the same.
        let _ = stream.and_then(|stream| answer::serve(stream, &format!("http://{here}")));
    }
    Ok(())
}
