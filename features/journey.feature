Feature: A completed meditation goes all the way
  What Olympus is for, in one story: ada signs up, completes a meditation, and everybody who must know of it does.
  iris accepts the event, mnemosyne archives it, chronos counts it in ada's own calendar, hermes tells the partner.

  Background:
    Given a user as ada
      | $.email    | ${fake.email}    |
      | $.timezone | America/New_York |

  Scenario: one event reaches the archive, the streak and the partner
    When I send POST "/events" to janus as accepted
      | $.user_id     | ${ada.id}            |
      | $.type        | meditation.completed |
      | $.occurred_at | 2026-11-24T20:00:00Z |
    Then the response has
      | status     | 202   |
      | $.event_id | #uuid |
    And bucket raw-events eventually has an object under "topics/events.raw.v1/" with a line
      | $.value.event_id | ${accepted.event_id} |
    And GET "/streaks/${ada.id}" from janus eventually has
      | status     | 200        |
      | $.days     | 1          |
      | $.last_day | 2026-11-24 |
    And partner amplitude eventually receives a call
      | $.events[0].insert_id | ${accepted.event_id} |
    And topic activity.v1 eventually has a record
      | $.event_id | ${accepted.event_id} |
    And topic events.raw.v1 has exactly 1 record, and no other
      | key | ${ada.id} |
    And topic hermes.dlq never has a record
    And only zeus uses zeus-db
    And only mnemosyne uses mnemosyne-db
    And only chronos uses chronos-db
    And only hermes uses hermes-db
    And no service ever logs an error

  Scenario: everything is done once, though every consumer was away
    Given mnemosyne is paused
    And chronos is killed
    And nothing passes between hermes and kafka
    When I send 3 POST "/events" to janus
      | $.user_id  | ${ada.id}            |
      | $.type     | meditation.completed |
      | $.event_id | e-${ordinal}         |
    Then every response has
      | status | 202 |
    When the cut between hermes and kafka has struck
    And every fault is healed
    And chronos is started
    Then every event in ledger events is eventually archived exactly once, in order per key
    And every event in ledger events is eventually counted exactly once
    And every event in ledger events is eventually announced exactly once, in order per key
    And every event in ledger events is eventually delivered exactly once, in order per key
