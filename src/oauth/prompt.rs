//! `prompt`: what a client wants shown on the way (OpenID Connect Core 3.1.2.1), the sign-up among it
//! (`prompt=create`, Initiating User Registration 1.0).

use super::error::{Code, Problem};

/// What a client wants shown (OpenID Connect Core 3.1.2.1, Initiating User Registration 1.0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// No page at all; stands alone.
    pub none: bool,
    /// The person proves again who they are.
    pub login: bool,
    /// The consent page, also when consent is on file.
    pub consent: bool,
    /// The sign-up wizard first (Initiating User Registration 1.0, 4).
    pub create: bool,
    /// The chooser, also with one account.
    pub select_account: bool,
}

impl Prompt {
    /// Reads the parameter (OpenID Connect Core 3.1.2.1).
    ///
    /// # Errors
    /// `invalid_request` for an unknown word, one that comes twice, or `none` beside another.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let refuse = |why| Err(Problem::new(Code::InvalidRequest, why));
        let mut prompt = Self::default();
        let mut count = 0;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            count += 1;
            let asked = match word {
                "none" => &mut prompt.none,
                "login" => &mut prompt.login,
                "consent" => &mut prompt.consent,
                "create" => &mut prompt.create,
                "select_account" => &mut prompt.select_account,
                // Initiating User Registration 1.0, 4.1
                _ => return refuse("prompt holds a word that is not supported"),
            };
            if std::mem::replace(asked, true) {
                return refuse("prompt holds a word twice");
            }
        }
        if prompt.none && count > 1 {
            return refuse("prompt=none must stand alone"); // OpenID Connect Core 3.1.2.1
        }
        Ok(prompt)
    }
}
