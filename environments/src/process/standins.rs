//! The stand-ins of one sandbox, telling its timeline what they receive.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use momus_engine::activity::Telemetry;
use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::timeline::Timeline;
use serde_json::Value as Json;

use super::making::Shared;
use super::telemetry;
use crate::s3::{S3, S3Credentials};
use crate::standins::logs::LogIntake;
use crate::standins::partner::{Call, Partner, Rules};
use crate::standins::statsd::{News, Received, Statsd};

/// The stand-ins of one sandbox.
pub(super) struct StandIns {
    pub(super) s3: Option<S3>,
    pub(super) credentials: S3Credentials,
    pub(super) partners: BTreeMap<String, Partner>,
    /// One a service, so that each metric tells who sent it.
    pub(super) statsd: BTreeMap<String, Statsd>,
    /// One a service, as above.
    pub(super) logs: BTreeMap<String, LogIntake>,
}

impl StandIns {
    /// Serves what the mesh declares, the objects in `folder`: without one, none.
    pub(super) async fn serve(shared: &Shared, folder: Option<&Path>, timeline: &Timeline) -> Result<Self, StepError> {
        let Shared { mesh, credentials, .. } = shared;
        let mut s3 = None;
        if let Some(folder) = folder.filter(|_| !mesh.buckets.is_empty()) {
            let buckets: Vec<String> = mesh.buckets.keys().cloned().collect();
            let served = S3::serve(&folder.join("objects"), &buckets, credentials).await;
            s3 = Some(served.map_err(|error| Failure::unknown(error.to_string()))?);
        }
        let mut partners = BTreeMap::new();
        for (name, partner) in &mesh.partners {
            let rules = Rules::read(&partner.rules).map_err(|error| Failure::unknown(error.to_string()))?;
            let (told, of) = (timeline.clone(), name.clone());
            let served = Partner::serve(rules, Arc::new(move |call| told.record(partner_call(&of, &call))));
            partners.insert(name.clone(), served);
        }
        let (mut statsd, mut logs) = (BTreeMap::new(), BTreeMap::new());
        for (name, service) in &mesh.services {
            let edges = service.dependencies();
            let uses = |edge: &str| edges.contains(&edge);
            if uses("statsd") {
                let (told, of) = (timeline.clone(), name.clone());
                let news = Mutex::new(News::default());
                let served = Statsd::serve(Arc::new(move |received: Received| {
                    let new = news.lock().unwrap_or_else(PoisonError::into_inner).tells(&received);
                    let what = format!("{of} → statsd  {}", received.line);
                    told.record(telemetry::sent(&of, received));
                    if new {
                        told.activity().tells(Telemetry::Metrics, &of, None, what);
                    }
                }))
                .await;
                statsd.insert(name.clone(), served.map_err(|error| no_port(&error))?);
            }
            if uses("logs") {
                let (told, of) = (timeline.clone(), name.clone());
                let served = LogIntake::serve(Arc::new(move |document| telemetry::log(&told, &of, &document.line)));
                logs.insert(name.clone(), served);
            }
        }
        Ok(Self {
            s3,
            credentials: credentials.clone(),
            partners,
            statsd,
            logs,
        })
    }
}

fn no_port(error: &std::io::Error) -> StepError {
    Failure::unknown(format!("the stand-in of statsd has no port: {error}"))
}

fn partner_call(partner: &str, call: &Call) -> Happening {
    let request = &call.request;
    let path = match &request.query {
        Some(query) => format!("{}?{query}", request.path),
        None => request.path.clone(),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = request.headers.iter();
    Happening::PartnerCall {
        partner: partner.to_owned(),
        method: request.method.to_string(),
        path,
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
            .collect(),
        status: call.answered.status.as_u16(),
        body: request
            .json
            .clone()
            .unwrap_or_else(|| Json::String(text(&request.body))),
    }
}
