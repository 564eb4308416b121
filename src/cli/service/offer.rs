//! What `gerege service` may switch on beside a service's keys.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::oauth::resource;
use crate::oauth::service::{Offers, Service, own_issuer};

/// At a new service.
#[derive(Clone, Copy, Debug, Args)]
pub struct New {
    /// Its tokens carry an issuer of its own, URL/services/ID, for verifiers that
    /// go by discovery
    #[arg(long)]
    own_issuer: bool,
    /// Apps that know only the service find this server by its metadata; its
    /// audience is a URL
    #[arg(long)]
    metadata: bool,
    /// Its tokens name their place in a status list, so that it learns within
    /// seconds of one that was ended
    #[arg(long)]
    status_list: bool,
}

impl From<New> for Offers {
    fn from(new: New) -> Self {
        Self {
            own_issuer: new.own_issuer,
            metadata: new.metadata,
            status_list: new.status_list,
        }
    }
}

/// At a service that is there.
#[derive(Clone, Copy, Debug, Args)]
pub struct Change {
    /// Its tokens carry an issuer of its own, URL/services/ID
    #[arg(long, value_name = "BOOL")]
    own_issuer: Option<bool>,
    /// Apps that know only the service find this server by its metadata
    #[arg(long, value_name = "BOOL")]
    metadata: Option<bool>,
    /// Its tokens name their place in a status list
    #[arg(long, value_name = "BOOL")]
    status_list: Option<bool>,
}

impl Change {
    /// As it is from now on.
    pub fn apply(self, offers: &mut Offers) {
        offers.own_issuer = self.own_issuer.unwrap_or(offers.own_issuer);
        offers.metadata = self.metadata.unwrap_or(offers.metadata);
        offers.status_list = self.status_list.unwrap_or(offers.status_list);
    }
}

/// For programs.
pub fn facts(app: &App, service: &Service, all: &mut Map<String, Value>) {
    for (name, value) in lines(app, service) {
        all.insert(name.to_owned(), value.into());
    }
    all.insert("status_list".to_owned(), json!(service.offers.status_list));
}

/// Where it is told.
pub fn lines(app: &App, service: &Service) -> Vec<(&'static str, String)> {
    let house = app.config.issuer();
    let mut lines = vec![("issuer", service.issuer(house))];
    if service.offers.own_issuer {
        let name = own_issuer(house, &service.id);
        lines.push((
            "discovery",
            format!("{name}/.well-known/openid-configuration"),
        ));
    }
    if service.offers.metadata {
        lines.push(("metadata", resource::metadata_url(house, &service.id)));
    }
    if service.offers.status_list {
        lines.push((
            "status_lists",
            app.config.url(&format!("/services/{}/status/", service.id)),
        ));
    }
    lines
}
