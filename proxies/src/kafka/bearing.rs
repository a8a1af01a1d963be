//! What calls mean for whether the sandbox is quiet.

use momus_engine::activity::{Activity, UnderWay};

use super::api::{self, Api};
use super::scope::Scope;

/// What a call means for whether the sandbox is quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearing {
    /// Nothing: it reads, waits or tells that a member is there.
    None,
    /// The sandbox is not quiet before it is answered.
    UnderWay,
    /// It changes what others see: an effect when it is asked for and when it is answered, and under way between.
    Effect,
}

/// A service's call that is under way; of the test client's calls there are none.
pub(crate) struct Call {
    /// What it is about, in the sandbox's own names.
    pub about: String,
    under_way: UnderWay,
    /// What is told when it is answered.
    effect: Option<(Activity, String)>,
}

impl Call {
    /// A request passes, if it bears on whether the sandbox is quiet.
    pub fn asked<R: Api>(asked: &R, scope: &Scope) -> Option<Self> {
        let bearing = asked.bearing();
        if bearing == Bearing::None || scope.is_own() {
            return None;
        }
        let activity = scope.activity();
        let about = asked.about(scope);
        let (caller, broker) = scope.ends();
        let what = format!("{caller} → {broker}  {} {about}", api::name(R::KEY));
        let under_way = activity.begins(what.as_str());
        let effect = (bearing == Bearing::Effect).then(|| {
            activity.effect(what.as_str());
            (activity.clone(), what)
        });
        Some(Self {
            about,
            under_way,
            effect,
        })
    }

    /// Its answer passes.
    pub fn answered(self) -> UnderWay {
        if let Some((activity, what)) = self.effect {
            activity.effect(what);
        }
        self.under_way
    }

    /// Records are handed over to a service, which will work on them.
    pub fn handed(api: &str, records: &str, scope: &Scope) -> Option<UnderWay> {
        if scope.is_own() {
            return None;
        }
        let activity = scope.activity();
        let (caller, broker) = scope.ends();
        let what = format!("{broker} → {caller}  {api} {records}");
        activity.effect(what.as_str());
        Some(activity.begins(what))
    }
}
