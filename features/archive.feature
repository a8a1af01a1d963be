Feature: Every raw event is archived once, and can be replayed
  mnemosyne keeps raw events in a bucket as they were: key, headers, offset and value. Offsets are committed when the object
  is there and not before, so what a crash interrupts is archived by whoever goes on. A replay publishes the archive again,
  and marks what it publishes.

  Rule: Nothing is lost, nothing is doubled

    Scenario: the archive keeps all of a record
      When I send POST "/events" to iris as accepted
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      Then bucket raw-events eventually has an object under "topics/events.raw.v1/" with a line
        | $.key              | ada                  |
        | $.headers.ce_id    | #array 1             |
        | $.headers.ce_id[0] | ${accepted.event_id} |
        | $.value.event_id   | ${accepted.event_id} |
        | $.value.type       | sleep.completed      |
        | $.timestamp        | #timestamp           |

    Scenario: an object is named after its partition and its first offset
      When I publish a record to topic events.raw.v1
        | partition     | 4                    |
        | key           | ada                  |
        | $.event_id    | e-1                  |
        | $.user_id     | ada                  |
        | $.type        | sleep.completed      |
        | $.occurred_at | 2026-11-24T08:00:00Z |
      Then bucket raw-events eventually has an object under "topics/events.raw.v1/partition=4/events.raw.v1+4+0000000000.ndjson.gz" with a line
        | $.offset | 0 |

    Scenario: many events are each archived once
      When I send 50 POST "/events" to iris
        | $.user_id  | user-${ordinal} |
        | $.type     | sleep.completed |
        | $.event_id | e-${ordinal}    |
      Then every event in ledger events is eventually archived exactly once

    Scenario: while the storage is away, events wait
      Given connections from mnemosyne to raw-events are refused
      When I send 5 POST "/events" to iris
        | $.user_id  | ada             |
        | $.type     | sleep.completed |
        | $.event_id | e-${ordinal}    |
      And the refusal from mnemosyne to raw-events has struck
      Then bucket raw-events has no objects under "topics/"
      When the refusal from mnemosyne to raw-events is healed
      Then every event in ledger events is eventually archived exactly once, in order per key

    Scenario: the archive survives its own death in the midst of an upload
      Given I send POST "/events" to iris
        | $.user_id  | ada             |
        | $.type     | sleep.completed |
        | $.event_id | e-0             |
      And bucket raw-events eventually has a line under "topics/events.raw.v1/"
        | $.value.event_id | e-0 |
      And connections from mnemosyne to raw-events are refused
      When I send 5 POST "/events" to iris
        | $.user_id  | ada             |
        | $.type     | sleep.completed |
        | $.event_id | e-${ordinal}    |
      And the refusal from mnemosyne to raw-events has struck
      And mnemosyne is killed
      And the refusal from mnemosyne to raw-events is healed
      And mnemosyne is started
      Then mnemosyne is ready within 20 seconds
      And every event in ledger events is eventually archived exactly once, in order per key

    Scenario: an archive that is restarted goes on where it was
      When I send 5 POST "/events" to iris
        | $.user_id  | ada             |
        | $.type     | sleep.completed |
        | $.event_id | e-${ordinal}    |
      Then bucket raw-events eventually has at least 5 lines under "topics/events.raw.v1/"
      When mnemosyne is restarted
      And I send 5 POST "/events" to iris
        | $.user_id  | ada             |
        | $.type     | sleep.completed |
        | $.event_id | f-${ordinal}    |
      Then every event in ledger events is eventually archived exactly once, in order per key

  Rule: What is archived can be replayed

    Background:
      When I send POST "/events" to iris as accepted
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      Then bucket raw-events eventually has an object under "topics/events.raw.v1/" with a line
        | $.value.event_id | ${accepted.event_id} |

    Scenario: a replay publishes the archive again, and says so
      When I send POST "/replays" to mnemosyne as replay
        | $.from  | 2020-01-01T00:00:00Z |
        | $.to    | 2100-01-01T00:00:00Z |
        | $.topic | events.raw.v1        |
      Then the response has
        | status      | 202     |
        | $.replay_id | #string |
      And GET "/replays/${replay.replay_id}" from mnemosyne eventually has
        | status    | 200  |
        | $.status  | done |
        | $.records | 1    |
      And topic events.raw.v1 eventually has a record
        | key              | ada                  |
        | header replay_id | ${replay.replay_id}  |
        | header ce_id     | ${accepted.event_id} |
        | $.event_id       | ${accepted.event_id} |

    Scenario: what was replayed is not archived again
      When I send POST "/replays" to mnemosyne as replay
        | $.from  | 2020-01-01T00:00:00Z |
        | $.to    | 2100-01-01T00:00:00Z |
        | $.topic | events.raw.v1        |
      Then topic events.raw.v1 eventually has a record
        | header replay_id | ${replay.replay_id} |
      And bucket raw-events eventually has exactly 1 line under "topics/events.raw.v1/"

    Scenario: a replay of a time in which nothing happened publishes nothing
      When I send POST "/replays" to mnemosyne as replay
        | $.from  | 2020-01-01T00:00:00Z |
        | $.to    | 2020-01-02T00:00:00Z |
        | $.topic | events.raw.v1        |
      Then GET "/replays/${replay.replay_id}" from mnemosyne eventually has
        | $.status  | done |
        | $.records | 0    |
      And topic events.raw.v1 has exactly 1 record

  Rule: What cannot be replayed is told

    Scenario: a replay that ends before it begins
      When I send POST "/replays" to mnemosyne
        | $.from  | 2026-01-02T00:00:00Z |
        | $.to    | 2026-01-01T00:00:00Z |
        | $.topic | events.raw.v1        |
      Then the response has
        | status  | 400 |
        | $.field | to  |

    Scenario: a replay that nobody asked for
      Then GET "/replays/unknown" from mnemosyne has
        | status | 404 |

    Scenario: a replay to a topic that is not there fails
      Given I send POST "/events" to iris as accepted
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      And bucket raw-events eventually has exactly 1 line under "topics/events.raw.v1/"
      When I send POST "/replays" to mnemosyne as replay
        | $.from  | 2020-01-01T00:00:00Z |
        | $.to    | 2100-01-01T00:00:00Z |
        | $.topic | nowhere.v1           |
      Then GET "/replays/${replay.replay_id}" from mnemosyne eventually has
        | status   | 200     |
        | $.status | failed  |
        | $.error  | #string |
