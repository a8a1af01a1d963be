//! Roles in steps: each becomes the service that fills it, before anything else looks at it.

use crate::mesh::{Kind, Mesh};
use crate::parameter::Value;

/// The values of a step with services in the places of roles; none where no role is named.
pub(super) fn filled(mesh: &Mesh, values: &[Value]) -> Option<Vec<Value>> {
    if mesh.roles.is_empty() {
        return None;
    }
    let new: Vec<Value> = values.iter().map(|value| filled_in(mesh, value)).collect();
    (new != values).then_some(new)
}

fn filled_in(mesh: &Mesh, value: &Value) -> Value {
    match value {
        Value::Name { kinds, name } if kinds.contains(&Kind::Service) => Value::Name {
            kinds,
            name: mesh.filled(name).to_owned(),
        },
        // A fault is told again in the words of the step that injected it, which were filled in likewise.
        Value::Fault(text) => {
            let words: Vec<&str> = text.split(' ').map(|word| mesh.filled(word)).collect();
            Value::Fault(words.join(" "))
        }
        other => other.clone(),
    }
}
