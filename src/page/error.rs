//! What can go wrong when a page or a mail is made.

/// A page or a mail that could not be made. The cause is for the log, never for a person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template is missing, does not parse, or asked for something that its view does not have.
    #[error("template {name}: {cause}")]
    Template {
        /// The template's name.
        name: String,
        /// What the engine said, with the line.
        cause: String,
    },
    /// A file of texts does not parse.
    #[error("texts {file}: {cause}")]
    Text {
        /// The file below `locales/`.
        file: String,
        /// What was wrong.
        cause: String,
    },
    /// The folder of overrides cannot be read.
    #[error("{path}: {source}")]
    Folder {
        /// The folder or file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    pub(super) fn template(name: &str, error: &minijinja::Error) -> Self {
        let mut cause = error.to_string();
        let mut next = std::error::Error::source(error);
        while let Some(inner) = next {
            cause.push_str(": ");
            cause.push_str(&inner.to_string());
            next = inner.source();
        }
        Self::Template {
            name: name.to_owned(),
            cause,
        }
    }
}
