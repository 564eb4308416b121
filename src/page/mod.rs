//! What people see: the templates, the texts, and one view struct for each page and each mail.

mod asset;
mod engine;
mod error;
#[cfg(test)]
mod fixture;
mod format;
mod markdown;
/// QR pictures.
pub mod qr;
mod shell;
#[cfg(test)]
mod test;
mod text;
/// One struct for each page and mail: what its template may use, and nothing else.
pub mod view;

pub use asset::Asset;
pub use engine::{Asked, Engine, Mail, Opens};
pub use error::Error;
pub use markdown::markdown;
pub use shell::{App, FieldError, Language, Member, Person, Shell, Step};
pub use text::{Dir, Lang};

use serde::Serialize;

/// A page: what its template may use.
pub trait View: Serialize {
    /// The template's file below `templates/page/`, without `.html`.
    const TEMPLATE: &'static str;
}

/// A mail: what its three templates may use.
pub trait MailView: Serialize {
    /// The templates' name below `templates/mail/`, without `.subject`, `.txt` and `.html`.
    const TEMPLATE: &'static str;
}
