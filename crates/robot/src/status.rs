//! Reading and setting a mentor's status.

use crate::{lines::tell, person::Person};
use im_contract::{
    Commands as _,
    args::{Nothing, StatusArgs},
};
use im_protocol::people::Availability;
use serde_json::json;

/// Tells the own status and those of all mentors: `status`.
pub(crate) async fn get(person: &mut Person) -> anyhow::Result<()> {
    person.connected().await?;
    let own = person.core.status_get(Nothing {}).await?;
    let mentors = person.core.people_mentors(Nothing {}).await?;
    tell("status", json!({ "own": own, "mentors": mentors }))?;
    Ok(())
}

/// Sets the own status and tells that it is set: `status_set`.
pub(crate) async fn set(
    person: &mut Person,
    availability: Availability,
    message: String,
) -> anyhow::Result<()> {
    person.connected().await?;
    let args = StatusArgs {
        availability,
        message,
    };
    person.core.status_set(args).await?;
    tell("status_set", json!({ "availability": availability }))?;
    Ok(())
}
