//! The token cache with many processes at once, and with some that are killed or stopped: one exchange however many
//! ask.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use rustix::process::{Pid, Signal, kill_process};
use support::rounds::rounds;
use support::token_cache::{CANARY, Place, Want, cache_at, files_below, token};
use support::trials::trials;
use time::OffsetDateTime;

/// Before the address of a token server, the path of a cache, a secret and a repository: to obtain a token for that, and
/// nothing else.
const OBTAIN: &str = "--obtain";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [OBTAIN, address, path, secret, repository] =
        arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        return libtest_mimic::run(&Arguments::from_args(), tests()).exit_code();
    };
    let answer = obtain(address, Path::new(path), secret, repository);
    io::stdout().write_all(answer.as_bytes()).unwrap();
    ExitCode::SUCCESS
}

fn tests() -> Vec<Trial> {
    trials![
        two_hundred_processes_make_one_exchange_and_leave_nothing_readable,
        eight_tickets_of_twenty_five_processes_make_eight_exchanges,
        a_wrong_password_is_tried_once_however_many_try,
        where_the_holder_is_killed_the_next_takes_over_at_once,
        where_the_holder_is_stopped_the_others_go_on_after_a_while_with_one_exchange_more,
    ]
}

/// The token that this process is given, or that it is refused.
fn obtain(address: &str, path: &Path, secret: &str, repository: &str) -> String {
    // All begin when the last has been started.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let now = OffsetDateTime::now_utc();
    let (cache, want) = (cache_at(path), Want::new(secret, repository));
    let got = cache.obtain(
        &cache.ticket(want.wanted()),
        now,
        || -> Result<_, String> {
            let mut server = TcpStream::connect(address).unwrap();
            writeln!(server, "{} {secret} {repository}", std::process::id()).unwrap();
            let mut answer = String::new();
            server.read_to_string(&mut answer).unwrap();
            match answer.as_str() {
                "refused" => Err(answer),
                _ => Ok(token(&answer, now, 300)),
            }
        },
        |word| Some(word.clone()),
    );
    match got {
        Ok(token) => token.token.expose().to_owned(),
        Err(_) => "refused".to_owned(),
    }
}

/// A token server that counts: its first requests are held until the test lets go of them.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
    held: Mutex<Receiver<(i32, Instant, TcpStream)>>,
}

impl Server {
    fn start(holds: usize, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (hold, requests_held): (Sender<(i32, Instant, TcpStream)>, _) = channel();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let (seen, hold) = (Arc::clone(&seen), hold.clone());
                thread::spawn(move || {
                    let mut line = String::new();
                    BufReader::new(&stream).read_line(&mut line).unwrap();
                    let (pid, what) = line.trim_end().split_once(' ').unwrap();
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(what.to_owned());
                        seen.len()
                    };
                    if number <= holds {
                        // The test may have no more use for it.
                        let _ = hold.send((pid.parse().unwrap(), Instant::now(), stream));
                        return;
                    }
                    thread::sleep(delay);
                    Self::answer(&stream, &format!("token-{number} for {what}"));
                });
            }
        });
        Self {
            address,
            requests,
            held: Mutex::new(requests_held),
        }
    }

    fn answer(mut stream: &TcpStream, text: &str) {
        let text = if text.contains("wrong-password") {
            "refused"
        } else {
            text
        };
        // Who asked may have been killed.
        let _ = stream.write_all(text.as_bytes());
    }

    /// The next request that is held: who asked, when it came, and where to answer.
    fn held(&self) -> (i32, Instant, TcpStream) {
        self.held.lock().unwrap().recv().unwrap()
    }

    fn requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// Processes that wait for their start.
struct Crowd {
    children: Vec<Child>,
    start: io::PipeWriter,
}

impl Crowd {
    fn gather(place: &Place, server: &Server, wants: &[(&str, String)]) -> Self {
        let (wait, start) = io::pipe().unwrap();
        let children = wants
            .iter()
            .map(|(secret, repository)| {
                // The umask of a careless system: nothing may rely on it.
                Command::new("sh")
                    .args(["-c", "umask 000; exec \"$0\" \"$@\""])
                    .arg(env::current_exe().unwrap())
                    .args([OBTAIN, &server.address])
                    .arg(place.path())
                    .args([secret, repository.as_str()])
                    .stdin(wait.try_clone().unwrap())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        Self { children, start }
    }

    /// Lets them go, and collects what each answered; nothing from who was killed.
    fn answers(self) -> Vec<Option<String>> {
        drop(self.start);
        self.children
            .into_iter()
            .map(|child| {
                let output = child.wait_with_output().unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                (!text.is_empty()).then_some(text)
            })
            .collect()
    }
}

fn one_ticket(count: usize) -> Vec<(&'static str, String)> {
    vec![(CANARY, "a/b".to_owned()); count]
}

fn two_hundred_processes_make_one_exchange_and_leave_nothing_readable() {
    for _ in 0..rounds(1, 50) {
        let place = Place::new();
        let server = Server::start(0, Duration::from_millis(100));
        let answers = Crowd::gather(&place, &server, &one_ticket(200)).answers();
        assert_eq!(server.requests(), 1);
        let expected = format!("token-1 for {CANARY} a/b");
        assert!(
            answers.iter().all(|answer| answer.as_ref() == Some(&expected)),
            "{answers:?}"
        );
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        for file in files_below(&place.path()) {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
            assert!(!file.to_str().unwrap().contains("canary"));
            let content = fs::read(&file).unwrap();
            for readable in ["canary", "a/b", "example.com"] {
                let found = content
                    .windows(readable.len())
                    .any(|window| window == readable.as_bytes());
                assert!(!found, "{}: {readable}", file.display());
            }
            let directory = file.parent().unwrap();
            assert_eq!(mode(directory), 0o700, "{}", directory.display());
        }
        assert_eq!(mode(&place.path()), 0o700);
        assert_eq!(mode(&place.path().join("staging")), 0o700);
        assert_eq!(fs::read_dir(place.path().join("staging")).unwrap().count(), 0);
    }
}

fn eight_tickets_of_twenty_five_processes_make_eight_exchanges() {
    for _ in 0..rounds(1, 50) {
        let place = Place::new();
        let server = Server::start(0, Duration::from_millis(50));
        let wants: Vec<_> = (0..200)
            .map(|number| {
                let secret = if number % 2 == 0 { "first" } else { "second" };
                (secret, format!("r/{}", number % 8))
            })
            .collect();
        let answers = Crowd::gather(&place, &server, &wants).answers();
        assert_eq!(server.requests(), 8);
        let mut by_want = BTreeMap::new();
        for ((secret, repository), answer) in wants.iter().zip(answers) {
            let answer = answer.unwrap();
            assert!(
                answer.ends_with(&format!(" for {secret} {repository}")),
                "{answer}"
            );
            assert_eq!(
                by_want
                    .entry((secret, repository))
                    .or_insert_with(|| answer.clone()),
                &answer
            );
        }
        assert_eq!(by_want.len(), 8);
    }
}

fn a_wrong_password_is_tried_once_however_many_try() {
    let place = Place::new();
    let server = Server::start(0, Duration::from_millis(50));
    let wants = vec![("wrong-password", "a/b".to_owned()); 50];
    let answers = Crowd::gather(&place, &server, &wants).answers();
    assert_eq!(server.requests(), 1);
    assert!(
        answers.iter().all(|answer| answer.as_deref() == Some("refused")),
        "{answers:?}"
    );
}

fn where_the_holder_is_killed_the_next_takes_over_at_once() {
    for _ in 0..rounds(1, 100) {
        let place = Place::new();
        let server = Server::start(2, Duration::ZERO);
        let crowd = Crowd::gather(&place, &server, &one_ticket(20));
        let (answers, taken_over) = thread::scope(|scope| {
            let killer = scope.spawn(|| {
                let (holder, _, _stream) = server.held();
                // The others are waiting by now, and their pauses are as long as they get.
                thread::sleep(Duration::from_millis(500));
                let killed = Instant::now();
                kill_process(Pid::from_raw(holder).unwrap(), Signal::KILL).unwrap();
                let (_, began, stream) = server.held();
                Server::answer(&stream, "second");
                began - killed
            });
            (crowd.answers(), killer.join().unwrap())
        });
        assert_eq!(server.requests(), 2);
        assert!(taken_over < Duration::from_secs(1), "{taken_over:?}");
        let second = answers
            .iter()
            .filter(|answer| answer.as_deref() == Some("second"));
        assert_eq!(second.count(), 19, "{answers:?}");
    }
}

fn where_the_holder_is_stopped_the_others_go_on_after_a_while_with_one_exchange_more() {
    // Each waits for most of its time.
    for _ in 0..rounds(1, 10) {
        thread::scope(|scope| {
            for _ in 0..rounds(1, 10) {
                scope.spawn(stop_the_holder);
            }
        });
    }
}

fn stop_the_holder() {
    let place = Place::new();
    let server = Server::start(1, Duration::ZERO);
    let crowd = Crowd::gather(&place, &server, &one_ticket(50));
    let began = Instant::now();
    let answers = thread::scope(|scope| {
        let stopper = scope.spawn(|| {
            let (holder, _, stream) = server.held();
            let holder = Pid::from_raw(holder).unwrap();
            kill_process(holder, Signal::STOP).unwrap();
            thread::sleep(Duration::from_secs(8));
            // Back again with an answer of its own, it puts that in the place of the other: either is good.
            Server::answer(&stream, "first");
            drop(stream);
            kill_process(holder, Signal::CONT).unwrap();
        });
        let answers = crowd.answers();
        stopper.join().unwrap();
        answers
    });
    assert_eq!(
        server.requests(),
        2,
        "one for the one that was stopped, one for all others"
    );
    assert!(began.elapsed() < Duration::from_secs(12));
    let count = |text: &str| {
        answers
            .iter()
            .filter(|answer| answer.as_deref() == Some(text))
            .count()
    };
    assert_eq!(count("first"), 1, "{answers:?}");
    assert_eq!(count(&format!("token-2 for {CANARY} a/b")), 49, "{answers:?}");
}
