//! A gateway as a process of its own, with the very files of `deploy/`.

use std::{
    env, fs,
    fs::File,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::support::database::scratch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
    Haproxy,
    Envoy,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Nginx, Self::Caddy, Self::Haproxy, Self::Envoy];
}

/// What a recipe is told.
#[derive(Clone)]
pub struct Setting {
    pub latchkey: [SocketAddr; 2],
    pub api: SocketAddr,
    pub token: String,
}

pub struct Gateway {
    pub kind: Kind,
    pub address: SocketAddr,
    child: Child,
    dir: PathBuf,
}

impl Gateway {
    /// Listens when this returns.
    pub fn start(kind: Kind, setting: &Setting) -> Self {
        let dir = scratch("gateway");
        fs::create_dir_all(&dir).unwrap();
        // Somebody may take the port before the gateway does; then it ends, and gets another one.
        (0..5).find_map(|_| Self::try_to_start(kind, setting, &dir)).unwrap_or_else(|| {
            panic!("{kind:?} does not start:\n{}", fs::read_to_string(dir.join("log")).unwrap())
        })
    }

    fn try_to_start(kind: Kind, setting: &Setting, dir: &Path) -> Option<Self> {
        let address = free_address();
        let log = File::create(dir.join("log")).unwrap();
        let child = command(kind, setting, address, dir)
            .env("XDG_DATA_HOME", dir)
            .env("XDG_CONFIG_HOME", dir)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{kind:?} cannot be run: {error}"));
        let mut gateway = Self { kind, address, child, dir: dir.to_owned() };
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            if gateway.child.try_wait().unwrap().is_some() {
                break;
            }
            if TcpStream::connect(address).is_ok() {
                return Some(gateway);
            }
            thread::sleep(Duration::from_millis(10));
        }
        // What went wrong stays to be read.
        let _ = gateway.child.kill();
        let _ = gateway.child.wait();
        std::mem::forget(gateway);
        None
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log")).unwrap_or_default()).into_owned()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // nginx's master takes its workers with it when it is asked to end, and not when it is killed.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < Duration::from_secs(2)
        {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// As `deploy/README.md` says.
fn command(kind: Kind, setting: &Setting, listen: SocketAddr, dir: &Path) -> Command {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let settings = [
        ("LISTEN_IP", listen.ip().to_string()),
        ("LISTEN_PORT", listen.port().to_string()),
        ("API", setting.api.to_string()),
        ("LATCHKEY_1", setting.latchkey[0].to_string()),
        ("LATCHKEY_2", setting.latchkey[1].to_string()),
        ("API_HOST", setting.api.ip().to_string()),
        ("API_PORT", setting.api.port().to_string()),
        ("LATCHKEY_1_HOST", setting.latchkey[0].ip().to_string()),
        ("LATCHKEY_1_PORT", setting.latchkey[0].port().to_string()),
        ("LATCHKEY_2_HOST", setting.latchkey[1].ip().to_string()),
        ("LATCHKEY_2_PORT", setting.latchkey[1].port().to_string()),
        ("GATEWAY_TOKEN", setting.token.clone()),
        ("ASK_SOCKET", socket(dir).to_string_lossy().into_owned()),
    ];
    let mut command = match kind {
        Kind::Nginx => {
            let template = fs::read_to_string(recipes.join("nginx/nginx.conf.template")).unwrap();
            fs::write(dir.join("nginx.conf"), substitute(&template, &settings)).unwrap();
            let mut nginx = tool("nginx");
            nginx.arg("-p").arg(dir).args([
                "-c",
                "nginx.conf",
                "-e",
                "stderr",
                "-g",
                "daemon off;",
            ]);
            nginx
        }
        Kind::Caddy => {
            let mut caddy = tool("caddy");
            caddy
                .args(["run", "--adapter", "caddyfile", "--config"])
                .arg(recipes.join("caddy/Caddyfile"));
            caddy
        }
        Kind::Haproxy => {
            let mut haproxy = tool("haproxy");
            haproxy.arg("-C").arg(recipes.join("haproxy")).args(["-f", "haproxy.cfg"]);
            haproxy
        }
        Kind::Envoy => {
            let template = fs::read_to_string(recipes.join("envoy/envoy.yaml.template")).unwrap();
            fs::write(dir.join("envoy.yaml"), substitute(&template, &settings)).unwrap();
            let mut envoy = tool("envoy");
            // Many of them run side by side here.
            envoy.args([
                "--disable-hot-restart",
                "--concurrency",
                "1",
                "--log-level",
                "warn",
                "-c",
            ]);
            envoy.arg(dir.join("envoy.yaml"));
            envoy
        }
    };
    command.envs(settings);
    command
}

/// What envsubst does.
fn substitute(template: &str, settings: &[(&str, String)]) -> String {
    settings.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("${{{name}}}"), value)
    })
}

/// A socket's path may have some hundred characters only, and our own directories may be deep.
fn socket(dir: &Path) -> PathBuf {
    let name = dir.file_name().expect("it has a name").to_string_lossy();
    env::temp_dir().join(format!("latchkey-{name}.sock"))
}

/// A program that may be installed, or may have been unpacked by bin/test.
fn tool(name: &str) -> Command {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let unpacked = target.join("tools");
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into(), target.join("envoy/bin")])
        .map(|dir| dir.join(name))
        .find(|path| path.is_file());
    if let Some(path) = installed {
        return Command::new(path);
    }
    let found = ["usr/sbin", "usr/bin"].map(|dir| unpacked.join(dir).join(name));
    let path = found.iter().find(|path| path.is_file());
    let path = path.unwrap_or_else(|| panic!("{name} is missing; bin/test brings it"));
    let mut command = Command::new(path);
    let libraries = fs::read_dir(unpacked.join("usr/lib")).into_iter().flatten().flatten();
    let libraries: Vec<PathBuf> = libraries.map(|entry| entry.path()).collect();
    command.env("LD_LIBRARY_PATH", env::join_paths(libraries).expect("no colons in there"));
    command
}

/// Where nobody listens. Below what the system hands out by itself, so that no other spec gets it meanwhile.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let begin = std::process::id() as usize * 101;
    loop {
        let port = 10_000 + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port as u16)) {
            return listener.local_addr().unwrap();
        }
    }
}
