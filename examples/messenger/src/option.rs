//! The words on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What `messenger help` prints.
pub const HELP: &str = "A small messenger that signs people in through Gerege.

  messenger server    the chat server
  messenger chat      the app: signs you in, then talk
  messenger signout   ends the stay on this device

Both ends
  --issuer URL        the account server (http://localhost:8777)
  --server ADDRESS    where the chat server listens (127.0.0.1:7777)
  --scope NAME        the permission that the chat server asks for (chat)

server
  --service ID        its id at the account server (demo-chat)
  --audience TEXT     its audience there, a name or a URL (the id)
  --keys URL          its key set ({issuer}/services/{id}/jwks.json)

chat
  --client ID         the app's id at the account server (demo-messenger)
  --folder PATH       where it keeps your stay (~/.local/state/gerege-messenger)
  --find              asks the chat server who signs people in, and for what
  --new               opens the sign-up page right away
  --no-browser        only prints the address";

/// Which part of the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Server,
    Chat,
    SignOut,
    Help,
}

/// A command and its settings.
#[derive(Debug)]
pub struct Options {
    pub command: Command,
    pub rest: Settings,
}

/// All settings; each command reads its own.
#[derive(Clone, Debug)]
pub struct Settings {
    pub issuer: String,
    pub server: SocketAddr,
    pub scope: String,
    pub service: String,
    pub audience: String,
    pub keys: Option<String>,
    pub client: String,
    pub folder: PathBuf,
    pub find: bool,
    pub new: bool,
    pub browser: bool,
}

/// Reads the command line.
pub fn read(words: Vec<String>) -> Result<Options, String> {
    let mut words = words.into_iter();
    let mut help = false;
    let command = match words.next().as_deref() {
        Some("server") => Command::Server,
        Some("chat") => Command::Chat,
        Some("signout") => Command::SignOut,
        None | Some("help" | "--help" | "-h") => Command::Help,
        Some(other) => return Err(format!("There is no command {other}. Try: messenger help")),
    };
    let mut audience = None;
    let mut folder = None;
    let mut rest = Settings {
        issuer: "http://localhost:8777".to_owned(),
        server: SocketAddr::from(([127, 0, 0, 1], 7777)),
        scope: "chat".to_owned(),
        service: "demo-chat".to_owned(),
        audience: String::new(),
        keys: None,
        client: "demo-messenger".to_owned(),
        folder: PathBuf::new(),
        find: false,
        new: false,
        browser: true,
    };
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or(format!("{word} needs a value after it."))
        };
        match word.as_str() {
            "--help" | "-h" => help = true,
            "--issuer" => rest.issuer = value()?,
            "--server" => {
                let text = value()?;
                rest.server = text
                    .parse()
                    .map_err(|_| format!("{text} is not an address like 127.0.0.1:7777."))?;
            }
            "--scope" => rest.scope = value()?,
            "--service" => rest.service = value()?,
            "--audience" => audience = Some(value()?),
            "--keys" => rest.keys = Some(value()?),
            "--client" => rest.client = value()?,
            "--folder" => folder = Some(PathBuf::from(value()?)),
            "--find" => rest.find = true,
            "--new" => rest.new = true,
            "--no-browser" => rest.browser = false,
            other => return Err(format!("There is no option {other}. Try: messenger help")),
        }
    }
    if help || command == Command::Help {
        let command = Command::Help;
        return Ok(Options { command, rest });
    }
    if !rest.server.ip().is_loopback() {
        return Err(format!(
            "{} can be reached by others, and this small messenger speaks without encryption. \
             Use an address of this machine, like 127.0.0.1:7777.",
            rest.server
        ));
    }
    rest.audience = audience.unwrap_or(rest.service.clone());
    rest.folder = match folder {
        Some(folder) => folder,
        None => usual_folder()?,
    };
    Ok(Options { command, rest })
}

fn usual_folder() -> Result<PathBuf, String> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = set("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".local/state")));
    state
        .map(|state| state.join("gerege-messenger"))
        .ok_or("Say with --folder where to keep your stay.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_command_line_is_read_or_explained() {
        for line in ["", "help", "--help", "server --help", "chat --new -h"] {
            assert_eq!(read(words(line)).unwrap().command, Command::Help, "{line}");
        }
        let read_chat = read(words("chat --no-browser --folder /tmp/x --client a")).unwrap();
        assert_eq!(read_chat.command, Command::Chat);
        assert!(!read_chat.rest.browser && read_chat.rest.client == "a");
        let read_server =
            read(words("server --folder x --service s --audience https://c/")).unwrap();
        assert_eq!(read_server.rest.audience, "https://c/");
        assert_eq!(
            read(words("server --folder x --service s"))
                .unwrap()
                .rest
                .audience,
            "s"
        );
        for line in [
            "dance",
            "chat --loud",
            "chat --folder",
            "chat --server here",
            "server --server 0.0.0.0:7777",
        ] {
            assert!(read(words(line)).is_err(), "{line}");
        }
    }
}
