//! Gerege's own TLS.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};

use rcgen::KeyPair;

use crate::app::{TestApp, free_port, own_folder};
use crate::mtls::{curl, keep, params};

/// A connection over which nothing is said.
fn silent(at: SocketAddr) -> TcpStream {
    let silent = TcpStream::connect(at).unwrap();
    silent.set_nonblocking(true).unwrap();
    silent
}

/// It was not given up.
fn is_held(silent: &TcpStream) -> bool {
    let heard = silent.peek(&mut [0]);
    matches!(heard, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn connections_over_which_nothing_is_said_hold_up_nobody() {
    let folder = own_folder("tls-silent");
    let host = KeyPair::generate().unwrap();
    let own = params("localhost").self_signed(&host).unwrap();
    keep(&folder, "tls", &own.pem(), &host);
    let [(first, held), (door, too)] = [free_port(), free_port()];
    drop((held, too));
    let place = |file: &str| folder.join(file).display().to_string();
    let app = TestApp::with(&[
        ("LISTEN__TLS_CERT", &place("tls.pem")),
        ("LISTEN__TLS_KEY", &place("tls.key")),
        ("LISTEN__ADDRESS", &first.to_string()),
        ("LISTEN__WORKERS", "1"),
        ("PUBLIC_URL", &format!("https://localhost:{}", first.port())),
        ("MTLS__LISTEN", &door.to_string()),
    ]);
    // Each door by itself: what is silent at one holds up neither.
    for at in [door, first] {
        let silent: Vec<TcpStream> = (0..300).map(|_| silent(at)).collect();
        let (status, _) = curl(&folder, &format!("{}/jwks.json", app.origin), &[]);
        assert_eq!(status, 200);
        // The answer came before any of them was given up, and did not wait for that.
        assert_eq!(silent.iter().filter(|one| !is_held(one)).count(), 0);
    }
    drop(app);
    let _ = std::fs::remove_dir_all(&folder);
}
