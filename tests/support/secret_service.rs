//! A Secret Service of our own behind a session bus: one collection, which keeps what it is given, and a prompt that is
//! answered as the test says. It counts what it is asked.
//!
//! <https://specifications.freedesktop.org/secret-service/>

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "as zbus calls the methods of an interface"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use zbus::blocking::{Connection, connection};
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{ObjectServer, fdo, interface};

use super::home::Home;
use super::keyring::Bus;

/// What comes of a prompt that is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nobody is there.
    Never,
    /// The password is typed, and it is right.
    Unlocks,
    /// The same, by somebody who takes their time.
    UnlocksAfter(Duration),
    /// The window is closed.
    Dismisses,
}

/// What a call is refused with, by the names that a bus has for it.
#[derive(Clone, Debug, zbus::DBusError)]
#[zbus(prefix = "org.freedesktop")]
pub(crate) enum Refusal {
    #[zbus(error)]
    ZBus(zbus::Error),
    #[zbus(name = "Secret.Error.IsLocked")]
    IsLocked,
    #[zbus(name = "DBus.Error.ServiceUnknown")]
    ServiceUnknown,
    #[zbus(name = "DBus.Error.NameHasNoOwner")]
    NameHasNoOwner,
    #[zbus(name = "DBus.Error.Spawn.ChildExited")]
    SpawnChildExited,
    #[zbus(name = "DBus.Error.NoReply")]
    NoReply,
}

/// A running service. It ends with its bus.
pub(crate) struct SecretService {
    state: Shared,
    /// On it, the service is served.
    _connection: Connection,
    bus: Bus,
}

impl SecretService {
    /// Unlocked and empty. `None` where there is no program for a bus.
    pub(crate) fn start(home: &Home, answer: Answer) -> Option<Self> {
        let bus = Bus::start(home)?;
        let state = Shared(Arc::new(Mutex::new(State {
            answer,
            default: LOGIN,
            is_locked: false,
            silent_at: None,
            search: Ok(()),
            prompts: 0,
            made: 0,
            calls: Vec::new(),
            items: HashMap::new(),
        })));
        let connection = connection::Builder::address(bus.address().as_str())
            .and_then(|builder| builder.serve_at(ROOT, Service(state.clone())))
            .and_then(|builder| builder.serve_at(LOGIN, Collection(state.clone())))
            .and_then(|builder| builder.serve_at(SESSION, Collection(state.clone())))
            .and_then(|builder| builder.serve_at(DEFAULT, Collection(state.clone())))
            .and_then(|builder| builder.name("org.freedesktop.secrets"))
            .and_then(connection::Builder::build)
            .expect("a bus that answers");
        Some(Self {
            state,
            _connection: connection,
            bus,
        })
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(crate) fn set_locked(&self, is_locked: bool) {
        self.state.lock().is_locked = is_locked;
    }

    /// From now on it answers nothing where this method is called.
    pub(crate) fn fall_silent_at(&self, method: &'static str) {
        self.state.lock().silent_at = Some(method);
    }

    /// From now on it answers whatever is called.
    pub(crate) fn speak(&self) {
        self.state.lock().silent_at = None;
    }

    /// From now on nothing can be searched for.
    pub(crate) fn refuse_to_search(&self, refusal: Refusal) {
        self.state.lock().search = Err(refusal);
    }

    pub(crate) fn set_answer(&self, answer: Answer) {
        self.state.lock().answer = answer;
    }

    /// From now on what is new is put where it is gone at logout, as gnome-keyring does where there is nothing else.
    pub(crate) fn keep_in_memory_only(&self) {
        self.state.lock().default = SESSION;
    }

    /// How many prompts were raised.
    pub(crate) fn prompts(&self) -> usize {
        self.state.lock().prompts
    }

    /// How many items are kept.
    pub(crate) fn items(&self) -> usize {
        self.state.lock().items.len()
    }

    /// Forgets all that is kept, as somebody does who clears a keyring.
    pub(crate) fn clear(&self) {
        self.state.lock().items.clear();
    }

    /// Puts other bytes in the place of each secret that is kept. What is kept is enciphered for the way, so the key
    /// in it is another one, or none.
    pub(crate) fn spoil(&self) {
        for item in self.state.lock().items.values_mut() {
            for byte in item.secret.iter_mut().take(16) {
                *byte ^= 0x55;
            }
        }
    }

    /// The methods that were called, in their order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.state.lock().calls.clone()
    }
}

const ROOT: &str = "/org/freedesktop/secrets";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";
const SESSION: &str = "/org/freedesktop/secrets/collection/session";
const DEFAULT: &str = "/org/freedesktop/secrets/aliases/default";

struct State {
    answer: Answer,
    default: &'static str,
    is_locked: bool,
    silent_at: Option<&'static str>,
    search: Result<(), Refusal>,
    prompts: usize,
    made: usize,
    calls: Vec<&'static str>,
    items: HashMap<String, Kept>,
}

struct Kept {
    attributes: HashMap<String, String>,
    parameters: Vec<u8>,
    secret: Vec<u8>,
    content_type: String,
}

/// A secret on its way: session, parameters, value, content type.
type Sent = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the call.
    fn called(&self, method: &'static str) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.calls.push(method);
        state
    }

    /// Waits for ever where it is to be silent.
    async fn reach(&self, method: &str) {
        let is_silent = self.lock().silent_at == Some(method);
        if is_silent {
            drop(self.called("silence"));
            std::future::pending::<()>().await;
        }
    }

    /// The same of what needs the collection to be open.
    fn opened(&self, method: &'static str) -> fdo::Result<MutexGuard<'_, State>> {
        let state = self.called(method);
        if state.is_locked {
            return Err(fdo::Error::AccessDenied("the collection is locked".to_owned()));
        }
        Ok(state)
    }

    fn found(&self, attributes: &HashMap<String, String>) -> Vec<OwnedObjectPath> {
        let state = self.lock();
        let found = state.items.iter().filter(|(_, item)| {
            attributes
                .iter()
                .all(|(name, value)| item.attributes.get(name) == Some(value))
        });
        found.map(|(path, _)| path_of(path)).collect()
    }
}

fn path_of(path: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(path).expect("a path")
}

fn nothing() -> OwnedObjectPath {
    path_of("/")
}

struct Service(Shared);

#[interface(name = "org.freedesktop.Secret.Service")]
impl Service {
    /// The server's secret exponent is 0, so that all sessions have one key, and what one enciphered the next
    /// deciphers: what is kept is kept as it came.
    async fn open_session(
        &self,
        algorithm: &str,
        input: Value<'_>,
    ) -> fdo::Result<(OwnedValue, OwnedObjectPath)> {
        self.0.reach("OpenSession").await;
        drop((self.0.called("OpenSession"), input));
        let output = match algorithm {
            "plain" => Value::from(""),
            "dh-ietf1024-sha256-aes128-cbc-pkcs7" => Value::from(vec![1_u8]),
            _ => return Err(fdo::Error::NotSupported(algorithm.to_owned())),
        };
        let output = output.try_into_owned().expect("no file descriptor");
        Ok((output, path_of("/org/freedesktop/secrets/session/s1")))
    }

    async fn search_items(
        &self,
        attributes: HashMap<String, String>,
    ) -> Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>), Refusal> {
        self.0.reach("SearchItems").await;
        let is_locked = {
            let state = self.0.called("SearchItems");
            state.search.clone()?;
            state.is_locked
        };
        let found = self.0.found(&attributes);
        Ok(if is_locked {
            (Vec::new(), found)
        } else {
            (found, Vec::new())
        })
    }

    async fn unlock(
        &self,
        objects: Vec<OwnedObjectPath>,
        #[zbus(object_server)] server: &ObjectServer,
    ) -> fdo::Result<(Vec<OwnedObjectPath>, OwnedObjectPath)> {
        self.0.reach("Unlock").await;
        let made = {
            let mut state = self.0.called("Unlock");
            if !state.is_locked {
                return Ok((objects, nothing()));
            }
            state.made += 1;
            state.made
        };
        let path = path_of(&format!("/org/freedesktop/secrets/prompt/p{made}"));
        let prompt = Prompt {
            state: self.0.clone(),
            objects,
        };
        server.at(&path, prompt).await?;
        Ok((Vec::new(), path))
    }

    fn lock(&self, objects: Vec<OwnedObjectPath>) -> (Vec<OwnedObjectPath>, OwnedObjectPath) {
        self.0.called("Lock").is_locked = true;
        (objects, nothing())
    }

    fn get_secrets(
        &self,
        objects: Vec<OwnedObjectPath>,
        session: OwnedObjectPath,
    ) -> fdo::Result<HashMap<OwnedObjectPath, Sent>> {
        let state = self.0.opened("GetSecrets")?;
        let secrets = objects.into_iter().filter_map(|path| {
            let secret = state.items.get(path.as_str())?.sent(&session);
            Some((path, secret))
        });
        Ok(secrets.collect())
    }

    async fn read_alias(&self, name: &str) -> OwnedObjectPath {
        self.0.reach("ReadAlias").await;
        drop(self.0.called("ReadAlias"));
        if name == "default" {
            path_of(self.0.lock().default)
        } else {
            nothing()
        }
    }

    #[zbus(property)]
    fn collections(&self) -> Vec<OwnedObjectPath> {
        drop(self.0.called("Collections"));
        vec![path_of(LOGIN)]
    }
}

struct Collection(Shared);

#[interface(name = "org.freedesktop.Secret.Collection")]
impl Collection {
    fn search_items(&self, attributes: HashMap<String, String>) -> Vec<OwnedObjectPath> {
        drop(self.0.called("SearchItems"));
        self.0.found(&attributes)
    }

    async fn create_item(
        &self,
        properties: HashMap<String, OwnedValue>,
        secret: Sent,
        replace: bool,
        #[zbus(object_server)] server: &ObjectServer,
    ) -> fdo::Result<(OwnedObjectPath, OwnedObjectPath)> {
        self.0.reach("CreateItem").await;
        let attributes = properties
            .get("org.freedesktop.Secret.Item.Attributes")
            .and_then(|value| HashMap::<String, String>::try_from(value.clone()).ok())
            .unwrap_or_default();
        let same = self.0.found(&attributes).into_iter().next().filter(|_| replace);
        let is_new = same.is_none();
        let path = {
            let mut state = self.0.opened("CreateItem")?;
            state.made += 1;
            let path = same.unwrap_or_else(|| path_of(&format!("{LOGIN}/i{}", state.made)));
            let (_, parameters, secret, content_type) = secret;
            let kept = Kept {
                attributes,
                parameters,
                secret,
                content_type,
            };
            state.items.insert(path.to_string(), kept);
            path
        };
        if is_new {
            let item = Item {
                state: self.0.clone(),
                path: path.to_string(),
            };
            server.at(&path, item).await?;
        }
        Ok((path, nothing()))
    }

    #[zbus(property)]
    fn items(&self) -> Vec<OwnedObjectPath> {
        self.0.found(&HashMap::new())
    }

    #[zbus(property)]
    fn label(&self) -> String {
        "Login".to_owned()
    }

    #[zbus(property)]
    fn locked(&self) -> bool {
        self.0.called("Locked").is_locked
    }

    #[zbus(property)]
    fn created(&self) -> u64 {
        0
    }

    #[zbus(property)]
    fn modified(&self) -> u64 {
        0
    }
}

struct Item {
    state: Shared,
    path: String,
}

#[interface(name = "org.freedesktop.Secret.Item")]
impl Item {
    async fn delete(&self, #[zbus(object_server)] server: &ObjectServer) -> fdo::Result<OwnedObjectPath> {
        self.state.reach("Delete").await;
        self.state.opened("Delete")?.items.remove(&self.path);
        let path = ObjectPath::try_from(self.path.clone()).expect("a path");
        server.remove::<Self, _>(path).await?;
        Ok(nothing())
    }

    async fn get_secret(&self, session: OwnedObjectPath) -> fdo::Result<(Sent,)> {
        self.state.reach("GetSecret").await;
        let state = self.state.opened("GetSecret")?;
        let item = state.items.get(&self.path).ok_or_else(gone)?;
        Ok((item.sent(&session),))
    }

    fn set_secret(&self, secret: Sent) -> fdo::Result<()> {
        let mut state = self.state.opened("SetSecret")?;
        let item = state.items.get_mut(&self.path).ok_or_else(gone)?;
        (item.parameters, item.secret) = (secret.1, secret.2);
        Ok(())
    }

    #[zbus(property)]
    fn locked(&self) -> bool {
        self.state.called("Locked").is_locked
    }

    #[zbus(property)]
    fn attributes(&self) -> HashMap<String, String> {
        let state = self.state.lock();
        let item = state.items.get(&self.path);
        item.map(|item| item.attributes.clone()).unwrap_or_default()
    }

    #[zbus(property)]
    fn label(&self) -> String {
        "a key".to_owned()
    }

    #[zbus(property)]
    fn created(&self) -> u64 {
        0
    }

    #[zbus(property)]
    fn modified(&self) -> u64 {
        0
    }
}

impl Kept {
    fn sent(&self, session: &OwnedObjectPath) -> Sent {
        let content_type = self.content_type.clone();
        (
            session.clone(),
            self.parameters.clone(),
            self.secret.clone(),
            content_type,
        )
    }
}

fn gone() -> fdo::Error {
    fdo::Error::UnknownObject("no such item".to_owned())
}

struct Prompt {
    state: Shared,
    objects: Vec<OwnedObjectPath>,
}

#[interface(name = "org.freedesktop.Secret.Prompt")]
impl Prompt {
    async fn prompt(
        &self,
        window_id: &str,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<()> {
        let _ = window_id;
        let answer = {
            let mut state = self.state.called("Prompt");
            state.prompts += 1;
            state.answer
        };
        match answer {
            Answer::Never => {}
            Answer::Unlocks => {
                self.state.lock().is_locked = false;
                Self::completed(&emitter, false, Value::from(self.objects.clone())).await?;
            }
            Answer::UnlocksAfter(duration) => {
                let (state, objects) = (self.state.clone(), self.objects.clone());
                let emitter = emitter.to_owned();
                thread::spawn(move || {
                    thread::sleep(duration);
                    state.lock().is_locked = false;
                    zbus::block_on(Self::completed(&emitter, false, Value::from(objects)))
                });
            }
            Answer::Dismisses => {
                Self::completed(&emitter, true, Value::from(Vec::<OwnedObjectPath>::new())).await?;
            }
        }
        Ok(())
    }

    fn dismiss(&self) {
        drop(self.state.called("Dismiss"));
    }

    #[zbus(signal)]
    async fn completed(emitter: &SignalEmitter<'_>, dismissed: bool, result: Value<'_>) -> zbus::Result<()>;
}
