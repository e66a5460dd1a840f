//! The roles in force: the world asks before each call takes effect, and what was asked is kept.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::OnceLock};

use serde_json::Value;

use super::audit::Recorded;
use super::call::{Call, Resource, Tags};
use super::{Roles, wire};
use crate::{
    World,
    connector::{ACCOUNT, REGION},
    deployed::function_arn,
    operations::Service,
    world::{Asked, Permits},
};

/// Calls that were asked about, each once.
pub type Record = Rc<RefCell<BTreeSet<Recorded>>>;

/// The roles of the house that worlds are made of.
#[must_use]
pub fn roles() -> &'static Roles {
    static ROLES: OnceLock<Roles> = OnceLock::new();
    ROLES.get_or_init(Roles::from_template)
}

/// Lets each worker do what its role allows, and no more.
#[must_use]
pub fn enforced() -> Permits {
    Rc::new(|asked| {
        roles()
            .permits(asked.worker, &call_of(asked))
            .is_permitted()
    })
}

/// The same, and keeps what was asked. What is about a thing that does not exist any more is denied
/// and not kept: a thing that is gone has no tags, so no role could allow it.
#[must_use]
pub fn recorded(record: &Record) -> Permits {
    let record = Rc::clone(record);
    Rc::new(move |asked| {
        let call = call_of(asked);
        let permitted = roles().permits(asked.worker, &call).is_permitted();
        let mut about = call.resources.iter();
        if permitted || about.all(|resource| exists(asked.world, &resource.arn)) {
            record.borrow_mut().insert(Recorded {
                holder: asked.worker.to_owned(),
                call,
            });
        }
        permitted
    })
}

/// What the state machine did in a world: it invoked functions.
#[must_use]
pub fn invoked(world: &World) -> BTreeSet<Recorded> {
    let tasks = world
        .invocations()
        .iter()
        .filter(|invocation| invocation.execution.is_some());
    let holder = |execution: u32| {
        let arn = world.executions()[execution as usize].arn();
        let incident = &world.house().incident_arn;
        let its = incident.replacen(":stateMachine:", ":execution:", 1);
        match arn.starts_with(&format!("{its}:")) {
            true => "incident".to_owned(),
            false => "reconcile".to_owned(),
        }
    };
    let invocations = tasks.map(|invocation| {
        let arn = function_arn(invocation.worker);
        Recorded {
            holder: holder(invocation.execution.unwrap_or_default()),
            call: Call::new("lambda", "Invoke", vec![Resource::new(arn)]),
        }
    });
    let messages = world.published().iter().map(|message| Recorded {
        holder: holder(message.execution),
        call: Call::new(
            "sns",
            "Publish",
            vec![Resource::new(message.topic.as_str())],
        ),
    });
    invocations.chain(messages).collect()
}

/// A call of a worker as IAM sees it. The simulator gives ARNs and ids of its own to what
/// CloudFormation makes; roles know it by the deployment's.
fn call_of(asked: &Asked<'_>) -> Call {
    let world = asked.world;
    let service = match asked.operation.service {
        Service::DynamoDb => "dynamodb",
        Service::Ssm => "ssm",
        Service::States => "states",
        Service::MediaLive => "medialive",
        Service::MediaConnect => "mediaconnect",
        Service::CloudWatch => "cloudwatch",
    };
    let body: Value = serde_json::from_slice(asked.body).unwrap_or_default();
    let tags = |arn: &str| tags_of(world, arn);
    let newest = |name: &str| world.parameters().newest(name);
    let secure = |name: &str| newest(name).is_some_and(|(_, _, secure)| secure);
    let mut call = wire::read(
        service,
        asked.operation.short(),
        asked.path,
        &body,
        &wire::Sight {
            tags: &tags,
            secure: &secure,
        },
    );
    let (deployed, here) = (
        world.house().settings(asked.worker),
        world.settings(asked.worker),
    );
    let group = |id: &str| format!("arn:aws:medialive:{REGION}:{ACCOUNT}:inputSecurityGroup:{id}");
    for resource in &mut call.resources {
        if resource.arn == here.flow_arn {
            resource.arn.clone_from(&deployed.flow_arn);
        } else if resource.arn == group(&here.input_security_group_id) {
            resource.arn = group(&deployed.input_security_group_id);
        }
    }
    call
}

/// The tags of a thing in the simulated account; what is not there has none.
fn tags_of(world: &World, arn: &str) -> Tags {
    tags(world, arn).cloned().unwrap_or_default()
}

/// Whether there is such a thing; what has no id yet, or is no media resource, counts as there.
fn exists(world: &World, arn: &str) -> bool {
    let media = [":channel:", ":input:", ":output:"];
    arn.ends_with('*') || !media.iter().any(|kind| arn.contains(kind)) || tags(world, arn).is_some()
}

fn tags<'a>(world: &'a World, arn: &str) -> Option<&'a Tags> {
    let book = world.core().book();
    let id = arn.rsplit(':').next().unwrap_or_default();
    if arn.contains(":channel:") {
        book.channel(id).map(|channel| channel.tags())
    } else if arn.contains(":input:") {
        book.input(id).map(|input| input.tags())
    } else if arn.contains(":output:") {
        let mut outputs = book.flows().flat_map(|flow| flow.outputs());
        outputs
            .find(|output| output.arn() == arn)
            .map(|output| output.tags())
    } else {
        book.flow(arn).map(|flow| flow.tags())
    }
}
