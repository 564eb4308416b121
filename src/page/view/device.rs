//! An app on another device: its code, and the decision (RFC 8628; UX C2).

use serde::Serialize;

use super::Ability;
use crate::clock::Time;
use crate::page::{App, FieldError, Person, View};

/// C2 `/device`. Field `user_code`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Device {
    /// As typed, or from the link.
    pub code: String,
    /// What to put right: `user_code`.
    pub errors: Vec<FieldError>,
}
impl View for Device {
    const TEMPLATE: &'static str = "device";
}

/// C2 `/device/allow`. Check box `seen`; buttons `decision` = `allow deny`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DeviceAllow {
    /// Who asks.
    pub app: App,
    /// Who answers.
    pub person: Person,
    /// The code, as it stands on the other screen.
    pub code: String,
    /// The network that it was asked for from.
    pub network: String,
    /// When it was asked for.
    pub at: Time,
    /// What the app will be able to do.
    pub can: Vec<Ability>,
    /// What it will not be able to do.
    pub cannot: Vec<String>,
    /// What was answered is not what is asked for now.
    pub changed: bool,
    /// Says what this page shows; sent back as `shown`.
    pub shown: String,
    /// Where "Not you?" leads.
    pub not_you: String,
    /// What to put right: `seen`.
    pub errors: Vec<FieldError>,
}
impl View for DeviceAllow {
    const TEMPLATE: &'static str = "device-allow";
}

/// The person has decided; what goes on goes on at the other device.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DeviceDone {
    /// It was allowed.
    pub allowed: bool,
}
impl View for DeviceDone {
    const TEMPLATE: &'static str = "device-done";
}
