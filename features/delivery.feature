Feature: A partner is told of every event once
  hermes forwards events to analytics partners. An event goes under one insert_id whatever the try, so that a partner that
  heard it twice counts it once. What a partner will never take goes to the dead-letter topic, with the reason.

  Rule: What is accepted is delivered

    Scenario: an event is forwarded in the partner's own words
      When I send POST "/events" to iris as accepted
        | $.user_id            | ada                  |
        | $.type               | meditation.completed |
        | $.occurred_at        | 2026-11-24T08:00:00Z |
        | $.properties.minutes | 10                   |
      Then partner amplitude eventually receives exactly 1 call, and no other
        | method                               | POST                 |
        | path                                 | /2/httpapi           |
        | status                               | 200                  |
        | $.events                             | #array 1             |
        | $.events[0].insert_id                | ${accepted.event_id} |
        | $.events[0].user_id                  | ada                  |
        | $.events[0].event_type               | meditation.completed |
        | $.events[0].time                     | 1795507200000        |
        | $.events[0].event_properties.minutes | 10                   |
      And GET "/deliveries?event_id=${accepted.event_id}" from hermes eventually has
        | status                  | 200       |
        | $.deliveries[0].partner | amplitude |
        | $.deliveries[0].status  | delivered |
        | $.deliveries[0].tries   | 1         |
      And metric hermes.delivered eventually rises by exactly 1
        | tag partner | amplitude |

    Scenario: an event that was told twice is delivered once
      When I send 2 POST "/events" to iris
        | $.user_id  | ada             |
        | $.type     | sleep.completed |
        | $.event_id | e-1             |
      Then partner amplitude eventually receives exactly 1 call, and no other
        | $.events              | #array 1 |
        | $.events[0].insert_id | e-1      |

    Scenario: an event that nobody sent was never delivered
      Then GET "/deliveries?event_id=unheard-of" from hermes has
        | status       | 200      |
        | $.deliveries | #array 0 |

    Scenario: a question without an id is told so
      Then GET "/deliveries" from hermes has
        | status  | 400      |
        | $.field | event_id |

  Rule: A partner that is away is tried again, with patience

    Scenario: a partner that answers 503 twice gets the same event a third time
      Given the first 2 POST "/2/httpapi" from hermes to amplitude are answered 503
      When I send POST "/events" to iris as accepted
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      Then GET "/deliveries?event_id=${accepted.event_id}" from hermes eventually has
        | $.deliveries[0].status | delivered |
        | $.deliveries[0].tries  | 3         |
      And partner amplitude receives exactly 3 calls, and no other
        | $.events[0].insert_id | ${accepted.event_id} |
      And partner amplitude receives exactly 2 calls
        | status | 503 |
      And the calls to partner amplitude are at least 200 ms apart

    Scenario: a partner that asks to wait is asked again when it said
      Given partner amplitude answers POST "/2/httpapi" with 429
        | header retry-after | 1 |
      When I send POST "/events" to iris as accepted
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      Then partner amplitude eventually receives at least 2 calls
        | status                | 429                  |
        | $.events[0].insert_id | ${accepted.event_id} |
      And GET "/deliveries?event_id=${accepted.event_id}" from hermes has
        | $.deliveries[0].status | pending       |
        | $.deliveries[0].reason | #contains 429 |

    Scenario: a partner that refuses connections gets its events when it is back
      Given connections from hermes to amplitude are refused
      When I send POST "/events" to iris as accepted
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      And the refusal from hermes to amplitude has struck
      Then partner amplitude receives no calls
      When every fault is healed
      Then partner amplitude eventually receives exactly 1 call, and no other
        | $.events[0].insert_id | ${accepted.event_id} |

    Scenario: a hermes that was restarted repeats nothing
      When I send POST "/events" to iris as first
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      Then GET "/deliveries?event_id=${first.event_id}" from hermes eventually has
        | $.deliveries[0].status | delivered |
      When hermes is restarted
      And I send POST "/events" to iris as second
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      Then partner amplitude eventually receives exactly 2 calls
      And partner amplitude receives exactly 1 call
        | $.events[0].insert_id | ${first.event_id} |
      And partner amplitude receives exactly 1 call
        | $.events[0].insert_id | ${second.event_id} |

  Rule: What a partner will never take is not lost, and stops nothing

    Scenario: an event that the partner rejects goes to the dead letters with the reason
      When I send POST "/events" to iris as accepted
        | $.user_id | unknown         |
        | $.type    | sleep.completed |
      Then topic hermes.dlq eventually has a record
        | key                | unknown              |
        | header ce_id       | ${accepted.event_id} |
        | header dlq_partner | amplitude            |
        | header dlq_reason  | #contains user_id    |
        | $.event_id         | ${accepted.event_id} |
      And GET "/deliveries?event_id=${accepted.event_id}" from hermes eventually has
        | $.deliveries[0].status | rejected          |
        | $.deliveries[0].reason | #contains user_id |

    Scenario: of two events, the one that the partner takes is delivered
      When I send POST "/events" to iris
        | $.events[0].user_id  | unknown         |
        | $.events[0].type     | sleep.completed |
        | $.events[0].event_id | e-1             |
        | $.events[1].user_id  | ada             |
        | $.events[1].type     | sleep.completed |
        | $.events[1].event_id | e-2             |
      Then GET "/deliveries?event_id=e-1" from hermes eventually has
        | $.deliveries[0].status | rejected |
      And GET "/deliveries?event_id=e-2" from hermes eventually has
        | $.deliveries[0].status | delivered |
      And topic hermes.dlq has exactly 1 record

    Scenario: of a batch that the partner refuses whole, each event is sent again in a smaller one
      Given hermes is killed
      And the first POST "/2/httpapi" from hermes to amplitude is answered 413
      When I publish 2 records to topic events.raw.v1
        | partition     | 3                    |
        | key           | ada                  |
        | $.event_id    | e-${ordinal}         |
        | $.user_id     | ada                  |
        | $.type        | sleep.completed      |
        | $.occurred_at | 2026-11-24T08:00:00Z |
      And hermes is started
      Then partner amplitude eventually receives exactly 3 calls
      And partner amplitude receives exactly 1 call
        | status   | 413      |
        | $.events | #array 2 |
      And partner amplitude receives exactly 1 call
        | status                | 200      |
        | $.events              | #array 1 |
        | $.events[0].insert_id | e-1      |
      And partner amplitude receives exactly 1 call
        | status                | 200      |
        | $.events              | #array 1 |
        | $.events[0].insert_id | e-2      |
      And topic hermes.dlq has no records

    Scenario: an event that the partner refuses by itself goes to the dead letters
      Given the first POST "/2/httpapi" from hermes to amplitude is answered 413
      When I send POST "/events" to iris as accepted
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      Then topic hermes.dlq eventually has exactly 1 record as buried, and no other
        | header dlq_reason | #contains 413 |
      And GET "/deliveries?event_id=${buried.event_id}" from hermes eventually has
        | $.deliveries[0].status | rejected      |
        | $.deliveries[0].reason | #contains 413 |
      And partner amplitude receives exactly 1 call
        | $.events[0].insert_id | ${accepted.event_id} |

    Scenario: what is no event does not stop those behind it
      When I publish a record to topic events.raw.v1
        | partition | 3        |
        | value     | not JSON |
      And I publish a record to topic events.raw.v1
        | partition     | 3                    |
        | key           | ada                  |
        | $.event_id    | e-1                  |
        | $.user_id     | ada                  |
        | $.type        | sleep.completed      |
        | $.occurred_at | 2026-11-24T08:00:00Z |
      Then topic hermes.dlq eventually has exactly 1 record, and no other
        | header dlq_reason | #contains not an event |
        | header dlq_source | events.raw.v1/3@0      |
        | value             | not JSON               |
      And partner amplitude receives a call
        | $.events[0].insert_id | e-1 |
