//! A server as a process of its own: its CPU time and its memory are read from outside, so that
//! the load generator's are never among them.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::http::{Caller, get};

/// How long a server may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; ended when it is dropped.
pub struct Process {
    child: Child,
    /// Where it is heard.
    pub address: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// The CPU time of the process so far, all its threads, ended ones too (proc_pid_stat(5);
    /// the kernel counts a hundred to the second).
    ///
    /// # Errors
    /// When the process is gone.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        cpu(&self.child.id().to_string())
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn resident(&self) -> anyhow::Result<Resident> {
        resident(&self.child.id().to_string())
    }

    /// Ends it as an operator would, and waits.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill")
            .arg(self.child.id().to_string())
            .status()?;
        self.child.wait()?;
        Ok(())
    }
}

/// Resident memory in bytes.
#[derive(Clone, Copy)]
pub struct Resident {
    /// With the pages of the program file, which the system can drop and read again.
    pub all: u64,
    /// What the process wrote itself.
    pub own: u64,
    /// The most that there was of all so far.
    pub most: u64,
}

/// The CPU time of a process so far; `self` is this one.
///
/// # Errors
/// When the process is gone.
pub fn cpu(id: &str) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name in brackets may hold spaces.
    let (_, rest) = stat.rsplit_once(')').context("an odd /proc/PID/stat")?;
    let ticks = |at: usize| -> anyhow::Result<u64> {
        Ok(rest
            .split_whitespace()
            .nth(at)
            .context("an odd /proc/PID/stat")?
            .parse()?)
    };
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

/// The program under test and a folder for its data.
pub struct Gerege {
    /// The program file.
    pub program: PathBuf,
    /// Its data folder.
    pub folder: PathBuf,
    /// Its database, where it is not the file in the data folder.
    pub database: Option<String>,
    port: u16,
}

impl Gerege {
    /// A fresh data folder.
    ///
    /// # Errors
    /// When no port or folder can be had.
    pub fn new(program: &Path, folder: PathBuf) -> anyhow::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        Ok(Self {
            program: program.to_owned(),
            folder,
            database: None,
            port,
        })
    }

    /// Where its data lies.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("GEREGE_DATA_DIR", self.data())
            .env("GEREGE_LISTEN__ADDRESS", format!("127.0.0.1:{}", self.port))
            // Callers get addresses of their own, as people have.
            .env("GEREGE_LISTEN__TRUSTED_PROXIES", "127.0.0.1")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        if let Some(url) = &self.database {
            command.env("GEREGE_DATABASE__URL", url);
        }
        command
    }

    /// Starts `gerege serve --dev` and waits for its first answer; says how long that took from
    /// the start of the process.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn serve(&self) -> anyhow::Result<(Process, Duration)> {
        let log = |name: &str| File::create(self.folder.join(name));
        let began = Instant::now();
        let child = self
            .command()
            .args(["serve", "--dev"])
            .stdout(log("out.log")?)
            .stderr(log("err.log")?)
            .spawn()
            .with_context(|| self.program.display().to_string())?;
        let process = Process {
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)),
        };
        loop {
            if let Ok(answer) = Caller::new(process.address).send(&get("/signin", ""))
                && answer.status == 200
            {
                return Ok((process, began.elapsed()));
            }
            if began.elapsed() > PATIENCE {
                let said = fs::read_to_string(self.folder.join("err.log")).unwrap_or_default();
                bail!("the server does not answer: {said}");
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Runs a command of the operator's; gives what it printed.
    ///
    /// # Errors
    /// What the command said when it failed.
    pub fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        let done = self.command().args(words).output()?;
        if !done.status.success() {
            bail!(
                "gerege {}: {}",
                words.join(" "),
                String::from_utf8_lossy(&done.stderr)
            );
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }
}

/// Starts this program again in another role, with a folder for what it keeps; its first line says
/// where it is heard.
///
/// # Errors
/// When it does not come up.
pub fn start_self(role: &str, folder: &Path) -> anyhow::Result<Process> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(role)
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let out = child.stdout.take().context("no output")?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    let address = line.trim().parse().context("no address")?;
    Ok(Process { child, address })
}

/// What this process itself wrote into memory, in bytes.
///
/// # Errors
/// When the system does not say.
pub fn own_memory() -> anyhow::Result<u64> {
    Ok(resident("self")?.own)
}

fn resident(id: &str) -> anyhow::Result<Resident> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let field = |name: &str| -> anyhow::Result<u64> {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .with_context(|| format!("no {name} in /proc"))?;
        let number = line.split_whitespace().next().unwrap_or_default();
        Ok(number.parse::<u64>()? * 1024)
    };
    Ok(Resident {
        all: field("VmRSS:")?,
        own: field("RssAnon:")?,
        most: field("VmHWM:")?,
    })
}
