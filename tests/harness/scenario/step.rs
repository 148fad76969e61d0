//! An operation and the credentials it is performed with.

use std::fmt;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::operation::Operation;

/// The credentials for a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Credentials {
    /// Uid 0 with all capabilities in the user namespace
    #[default]
    Root,
    /// Uid and gid 65534, no capabilities
    Nobody,
    /// Uid 0 without capabilities
    Nocap,
}

/// One step of a history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// The operation.
    pub operation: Operation,
    /// The credentials, for this step only.
    pub credentials: Credentials,
}

impl Step {
    /// The operation done by root.
    pub fn new(operation: Operation) -> Self {
        Self { operation, credentials: Credentials::Root }
    }
}

/// As in a scenario file: one line of JSON.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

const CREDENTIALS: &str = "cred";

// serde cannot flatten a struct that denies unknown fields, so the credentials are taken out by hand.
impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::<String, Json>::deserialize(deserializer)?;
        let credentials = match fields.remove(CREDENTIALS) {
            None => Credentials::Root,
            Some(word) => Credentials::deserialize(word).map_err(D::Error::custom)?,
        };
        let operation = Operation::deserialize(Json::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self { operation, credentials })
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.credentials == Credentials::Root {
            return self.operation.serialize(serializer);
        }
        let mut fields = serde_json::to_value(&self.operation).map_err(S::Error::custom)?;
        if let Some(fields) = fields.as_object_mut() {
            let word = serde_json::to_value(self.credentials).map_err(S::Error::custom)?;
            fields.insert(CREDENTIALS.to_owned(), word);
        }
        fields.serialize(serializer)
    }
}
