//! Walls around real programs, as root and as a user who is not.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use momus_environments::{
    cache::Cache,
    guardian::{
        Child, Command, Exit, Guardian, Launcher, Output, RunId, Signal,
        walls::{Built, Inside, Socket, Try, Walls, probe},
    },
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

const SOON: Duration = Duration::from_secs(10);

/// A guardian of this user, or of one who is not root.
struct House {
    guardian: Guardian,
    launcher: Launcher,
    _folder: TempDir,
}

impl House {
    async fn new(unprivileged: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let guardian: PathBuf = env!("CARGO_BIN_EXE_momus-guardian").into();
        let mut launcher = Launcher {
            program: guardian.clone(),
            arguments: Vec::new(),
        };
        if unprivileged {
            // Where the program lies may be closed to others. Not copied by this process: a child that is being started beside it
            // would have the copy open for writing, and what is open so cannot be executed.
            let copy = folder.path().join("momus-guardian");
            let mut copied = std::process::Command::new("cp");
            assert!(copied.args([&guardian, &copy]).status().unwrap().success());
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
            let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];
            launcher = Launcher {
                program: "/usr/bin/setpriv".into(),
                arguments: nobody
                    .map(str::to_owned)
                    .into_iter()
                    .chain([copy.display().to_string()])
                    .collect(),
            };
        }
        let cache = Cache::at(folder.path().join("cache"));
        let guardian = Guardian::start(&launcher, &cache, RunId::random()).await.unwrap();
        Self {
            guardian,
            launcher,
            _folder: folder,
        }
    }

    /// Both users.
    async fn both() -> [Self; 2] {
        [Self::new(false).await, Self::new(true).await]
    }

    /// Walls with these inside.
    async fn walls(&self, inside: Inside) -> (Child, Output, Walls, Built) {
        let (child, output, walls) = self.guardian.spawn_walls("shop").await.unwrap();
        let built = walls.build(inside).await.unwrap();
        (child, output, walls, built)
    }
}

fn python(script: &str) -> Command {
    Command::new("python3")
        .argument("-u")
        .argument("-c")
        .argument(script)
        .variable("PATH", std::env::var("PATH").unwrap())
}

fn listener(socket: std::os::fd::OwnedFd) -> TcpListener {
    let socket = std::net::TcpListener::from(socket);
    socket.set_nonblocking(true).unwrap();
    TcpListener::from_std(socket).unwrap()
}

/// A server on a fixed port that says where it is, until its standard input... it has none: until it is ended.
const SHOP: &str = "
import os, socket
server = socket.create_server(('', 8080))
print('serves', flush=True)
while True:
    connection, _ = server.accept()
    broker = socket.create_connection(('kafka', 9092))
    answer = broker.recv(100).decode()
    open('/tmp/momus-walls-mine', 'a').write('x')
    facts = [socket.gethostname(), answer, open('/tmp/momus-walls-mine').read(), str(sorted(os.listdir('/tmp'))), str(os.getuid())]
    connection.sendall(' '.join(facts).encode())
    connection.close()
";

#[tokio::test]
async fn walls_are_to_be_had_here() {
    for house in House::both().await {
        assert_eq!(probe(&house.launcher), Ok(()));
    }
}

#[tokio::test]
async fn eight_programs_listen_on_one_port_and_find_their_dependencies_under_their_names() {
    for (house, user) in House::both().await.iter().zip(["0", "65534"]) {
        let mut rooms = Vec::new();
        for number in 0..8 {
            let inside = Inside {
                hostname: format!("shop-{number}"),
                hosts: "127.0.0.1 localhost\n127.77.0.1 kafka\n".to_owned(),
                sockets: vec![Socket::Tcp("127.77.0.1:9092".parse().unwrap())],
                ..Inside::default()
            };
            let (child, mut output, walls, mut built) = house.walls(inside).await;
            let broker = listener(built.sockets.remove(0));
            tokio::spawn(async move {
                while let Ok((mut caller, _)) = broker.accept().await {
                    caller.write_all(format!("broker-{number}").as_bytes()).await.unwrap();
                }
            });
            walls.run(python(SHOP)).await.unwrap();
            assert_eq!(
                timeout(SOON, output.stdout.next()).await.unwrap().as_deref(),
                Some("serves")
            );
            rooms.push((child, output, walls, built));
        }
        for (number, (_, _, walls, _)) in rooms.iter().enumerate() {
            let at: SocketAddr = "127.0.0.1:8080".parse().unwrap();
            let mut answer = String::new();
            let mut shop = walls.connect(at).await.unwrap();
            timeout(SOON, shop.read_to_string(&mut answer)).await.unwrap().unwrap();
            assert_eq!(
                answer,
                format!("shop-{number} broker-{number} x ['momus-walls-mine'] {user}")
            );
            let refused = walls.connect("127.0.0.1:8081".parse().unwrap()).await;
            assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        }
        assert!(
            std::net::TcpStream::connect("127.0.0.1:8080").is_err(),
            "nothing of it is outside"
        );
        assert!(!Path::new("/tmp/momus-walls-mine").exists());
        house.guardian.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_program_dials_beyond_is_refused_and_seen() {
    let script = "
import socket
def tried(dial):
    try: dial()
    except OSError as error: print(type(error).__name__, flush=True)
tried(lambda: socket.create_connection(('10.1.2.3', 5432), 5))
tried(lambda: socket.create_connection(('127.0.0.1', 6379), 5))
tried(lambda: socket.create_connection(('2001:db8::1', 443), 5))
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.7', 8125))
";
    for house in House::both().await {
        let (child, mut output, walls, built) = house.walls(Inside::default()).await;
        walls.run(python(script)).await.unwrap();
        let mut said = Vec::new();
        while let Some(line) = timeout(SOON, output.stdout.next()).await.unwrap() {
            said.push(line);
        }
        assert_eq!(said, ["ConnectionRefusedError"; 3]);
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(timeout(SOON, built.tries.next()).await.unwrap().unwrap());
        }
        let tcp = |address: &str| Try::Tcp(address.parse().unwrap());
        assert_eq!(
            seen,
            [
                tcp("10.1.2.3:5432"),
                tcp("127.0.0.1:6379"),
                tcp("[2001:db8::1]:443"),
                Try::Udp("192.0.2.7:8125".parse().unwrap())
            ]
        );
        assert_eq!(timeout(SOON, child.exited()).await.unwrap(), Exit::Code(0));
        house.guardian.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_program_ends_inside_as_it_would_outside() {
    for house in House::both().await {
        for (script, signal, end) in [
            ("raise SystemExit(7)", None, Exit::Code(7)),
            ("import os; os.kill(os.getpid(), 11)", None, Exit::Signal(11)),
            ("import os; os.abort()", None, Exit::Signal(6)),
            // A real-time signal has no name: it is told as shells tell it.
            ("import os; os.kill(os.getpid(), 40)", None, Exit::Code(128 + 40)),
            (
                "import time; print('up'); time.sleep(600)",
                Some(Signal::TERM),
                Exit::Signal(15),
            ),
            (
                "import time; print('up'); time.sleep(600)",
                Some(Signal::KILL),
                Exit::Signal(9),
            ),
            (
                "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(3)); print('up'); time.sleep(600)",
                Some(Signal::TERM),
                Exit::Code(3),
            ),
        ] {
            let (child, mut output, walls, _built) = house.walls(Inside::default()).await;
            walls.run(python(script)).await.unwrap();
            if let Some(signal) = signal {
                assert_eq!(
                    timeout(SOON, output.stdout.next()).await.unwrap().as_deref(),
                    Some("up")
                );
                child.signal(signal).await.unwrap();
            }
            assert_eq!(timeout(SOON, child.exited()).await.expect(script), end, "{script}");
        }
        let (_child, _output, walls, _built) = house.walls(Inside::default()).await;
        let missing = walls.run(Command::new("/no/such/program")).await.unwrap_err();
        assert!(missing.to_string().contains("No such file"), "{missing}");
        house.guardian.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_program_that_ends_by_itself_is_not_told_as_killed_by_what_kills_it_then() {
    let address = SocketAddr::from(([127, 77, 0, 2], 9000));
    let script = "
import os, socket
connection = socket.create_connection(('127.77.0.2', 9000))
connection.recv(1)
os._exit(7)
";
    let inside = Inside {
        sockets: vec![Socket::Tcp(address)],
        ..Inside::default()
    };
    for house in House::both().await {
        for patience in 0..30 {
            let (child, _output, walls, mut built) = house.walls(inside.clone()).await;
            let listener = listener(built.sockets.remove(0));
            walls.run(python(script)).await.unwrap();
            let (mut connection, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
            connection.write_all(b"x").await.unwrap();
            let mut rest = Vec::new();
            drop(timeout(SOON, connection.read_to_end(&mut rest)).await.unwrap());
            // A little later each time: the program, the inner and the outer process end one after another.
            for _ in 0..patience * 20 {
                tokio::task::yield_now().await;
            }
            assert_eq!(timeout(SOON, child.kill()).await.unwrap(), Exit::Code(7), "{patience}");
        }
        house.guardian.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_child_that_left_its_session_is_gone_with_the_program() {
    let script = "
import os, subprocess, sys, time
child = subprocess.Popen(['setsid', 'sleep', '601.25'], env={'PATH': os.environ['PATH']}, start_new_session=True)
print('up', flush=True)
time.sleep(600)
";
    let sleeping = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        lines.filter(|line| line.ends_with(b"sleep\x00601.25\x00")).count()
    };
    for house in House::both().await {
        let (child, mut output, walls, _built) = house.walls(Inside::default()).await;
        walls.run(python(script)).await.unwrap();
        assert_eq!(
            timeout(SOON, output.stdout.next()).await.unwrap().as_deref(),
            Some("up")
        );
        assert_eq!(timeout(SOON, child.kill()).await.unwrap(), Exit::Signal(9));
        assert_eq!(sleeping(), 0);
        house.guardian.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_kept_lies_where_it_lay_and_a_paused_program_is_connected_to_still() {
    for house in House::both().await {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("shop.py"), "import socket, sys\nserver = socket.create_server(('127.0.0.1', 80))\nprint('serves', flush=True)\nsys.stdin.read()\nserver.accept()[0].sendall(b'here')\n").unwrap();
        let inside = Inside {
            kept: vec![folder.path().to_owned()],
            ..Inside::default()
        };
        let (child, mut output, walls, _built) = house.walls(inside).await;
        let program = Command::new("python3").argument("shop.py").working_dir(folder.path());
        walls
            .run(program.variable("PATH", std::env::var("PATH").unwrap()))
            .await
            .unwrap();
        let said = timeout(SOON, output.stdout.next()).await.unwrap();
        assert_eq!(said.as_deref(), Some("serves"), "{:?}", output.stderr.next().await);
        child.signal(Signal::STOP).await.unwrap();
        let mut shop = walls.connect("127.0.0.1:80".parse().unwrap()).await.unwrap();
        child.signal(Signal::CONT).await.unwrap();
        let mut answer = String::new();
        timeout(SOON, shop.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, "here");
        house.guardian.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_port_that_the_program_has_itself_leads_to_a_dependency_all_the_same() {
    let script = "
import socket
own = socket.create_server(('', 8080))
print(socket.create_connection(('127.77.0.1', 8080), 5).recv(100).decode(), flush=True)
";
    for house in House::both().await {
        let inside = Inside {
            redirects: vec![("127.77.0.1:8080".parse().unwrap(), "127.77.0.1:9080".parse().unwrap())],
            sockets: vec![Socket::Tcp("127.77.0.1:9080".parse().unwrap())],
            ..Inside::default()
        };
        let (_child, mut output, walls, mut built) = house.walls(inside).await;
        let dependency = listener(built.sockets.remove(0));
        tokio::spawn(async move {
            let (mut caller, _) = dependency.accept().await.unwrap();
            caller.write_all(b"the dependency").await.unwrap();
        });
        walls.run(python(script)).await.unwrap();
        let said = timeout(SOON, output.stdout.next()).await.unwrap();
        assert_eq!(said.as_deref(), Some("the dependency"));
        house.guardian.close().await.unwrap();
    }
}
