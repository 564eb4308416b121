//! `/dev/mail`: the mailbox of dev mode. The routes exist in dev mode only.

use actix_web::{HttpResponse, web};

use super::fault::Fault;
use super::visit::Visit;
use crate::mail::{Caught, Mailer};
use crate::page::view::{DevMail, DevMailbox, ListedMail};

/// All caught mails, newest first.
pub async fn mailbox(visit: Visit) -> Result<HttpResponse, Fault> {
    let Mailer::Folder(folder) = &visit.app.mailer else {
        return Err(Fault::nothing());
    };
    let caught = folder
        .list()
        .map_err(|error| Fault::Broken(error.to_string()))?;
    let view = DevMailbox {
        mails: caught.iter().map(listed).collect(),
    };
    visit.page(&visit.shell(), &view)
}

/// One of them.
pub async fn letter(visit: Visit, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    let Mailer::Folder(folder) = &visit.app.mailer else {
        return Err(Fault::nothing());
    };
    let mail = folder.read(&id).ok_or(Fault::nothing())?;
    let view = DevMail {
        from: visit.app.config.mail.from.address.clone(),
        mail: listed(&mail),
        text: mail.text,
    };
    visit.page(&visit.shell(), &view)
}

fn listed(mail: &Caught) -> ListedMail {
    ListedMail {
        id: mail.id.clone(),
        to: mail.to.clone(),
        subject: mail.subject.clone(),
        at: mail.date,
    }
}
