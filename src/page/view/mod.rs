//! One struct for each page and mail. Templates see nothing else but `shell`.

mod account;
mod device;
mod mail;
mod other;
mod signin;
mod signup;

pub use account::{
    Agreed, Agreements, Apps, AskedAllow, AskedList, AskedRow, Connected, Details, DeviceKind,
    Devices, Entry, Home, Log, Pending, Session, SigningIn,
};
pub use device::{Device, DeviceAllow, DeviceDone};
pub use mail::{
    AlreadyAccount, AskedMail, EmailChanged, EmailCode, LetInMail, MailTest, NewDevice, NotLetIn,
    PasswordChanged, ResetSecret, Server, SignupCode,
};
pub use other::{
    Cookies, DevMail, DevMailbox, Difference, ErrorPage, Fact, Help, ListedMail, LogoutRefused,
    RedirectMismatch, TermsDocument, TermsList, TermsListed,
};
pub use signin::{
    Ability, Choice, Choose, Confirm, Consent, ContinueAs, Forgot, ForgotSent, FormPost, Hidden,
    Leave, Reset, ResetDone, Row, SignIn, SignOut, SignedOut, TermsAgain,
};
pub use signup::{
    Agree, CheckPerson, CheckPicture, CheckQuestion, CheckSound, CheckWork, Declined, Document,
    Done, DraftAsksAddress, Email, LetIn, MailLink, MessengerHint, NameAgain, Profile, RefusedMail,
    Waiting, Ways,
};
