Feature: An event is accepted once it is safe
  iris takes what apps and sites tell of their users, one event or many in a request. It answers 202 only when Kafka has
  them all, and from then on every event carries an id: told twice, it is still one event.

  Rule: What is accepted stands in Kafka

    Scenario: an event without an id is given one
      When I send POST "/events" to iris as accepted
        | $.user_id     | ada                  |
        | $.type        | meditation.completed |
        | $.occurred_at | 2026-11-24T08:00:00Z |
      Then the response has
        | status     | 202   |
        | $.event_id | #uuid |
      And topic events.raw.v1 eventually has a record
        | key                   | ada                                    |
        | header ce_id          | ${accepted.event_id}                   |
        | header ce_type        | meditation.completed                   |
        | header ce_time        | 2026-11-24T08:00:00Z                   |
        | header ce_source      | /iris                                  |
        | header ce_specversion | 1.0                                    |
        | header traceparent    | #regex 00-[0-9a-f]{32}-[0-9a-f]{16}-01 |
        | $.event_id            | ${accepted.event_id}                   |
        | $.user_id             | ada                                    |
        | $.type                | meditation.completed                   |
        | $.occurred_at         | 2026-11-24T08:00:00Z                   |

    Scenario: an event keeps the id that its sender gave it
      When I send POST "/events" to iris
        | $.user_id  | ada           |
        | $.type     | sleep.started |
        | $.event_id | from-the-app  |
      Then the response has
        | status     | 202          |
        | $.event_id | from-the-app |
      And topic events.raw.v1 eventually has a record
        | header ce_id | from-the-app |

    Scenario: an event that does not say when it happened, happened just now
      When I send POST "/events" to iris
        | $.user_id | ada           |
        | $.type    | sleep.started |
      Then topic events.raw.v1 eventually has a record
        | $.occurred_at | #timestamp |

    Scenario: the events of one request are each a record
      When I send POST "/events" to iris
        | $.events[0].user_id  | ada               |
        | $.events[0].type     | sleep.started     |
        | $.events[0].event_id | e-1               |
        | $.events[1].user_id  | grace             |
        | $.events[1].type     | breathe.completed |
        | $.events[1].event_id | e-2               |
      Then the response has
        | status          | 202      |
        | $.event_ids     | #array 2 |
        | $.event_ids[0]  | e-1      |
        | $.event_ids[1]  | e-2      |
      And topic events.raw.v1 eventually has exactly 2 records, and no other
        | $.event_id | #regex e-[12] |

    Scenario: what one user does stays in order
      When I send 20 POST "/events" to iris
        | $.user_id           | ada           |
        | $.type              | sleep.tracked |
        | $.properties.minute | ${ordinal}    |
      Then every response has
        | status | 202 |
      And topic events.raw.v1 eventually has at least 20 records
        | key | ada |
      And the records in topic events.raw.v1 are in order of "$.properties.minute" per key

  Rule: What is wrong is told with the field's name, and stands nowhere

    Scenario Outline: <what> is refused
      When I send POST "/events" to iris
        """json
        <body>
        """
      Then the response has
        | status  | 400     |
        | $.field | <field> |
      And topic events.raw.v1 never has a record

      Examples:
        | what                                | field          | body                                                                            |
        | an event of nobody                  | user_id        | {"type": "sleep.started"}                                                       |
        | an event of no type                 | type           | {"user_id": "ada"}                                                              |
        | an event of a time that is none     | occurred_at    | {"user_id": "ada", "type": "sleep.started", "occurred_at": "yesterday"}         |
        | an event with a field of its own    | colour         | {"user_id": "ada", "type": "sleep.started", "colour": "blue"}                   |
        | a request with one bad event of two | events[1].type | {"events": [{"user_id": "ada", "type": "sleep.started"}, {"user_id": "grace"}]} |

    Scenario: a body that is not JSON is told so
      When I send POST "/events" to iris
        """
        user_id=ada
        """
      Then the response has
        | status  | 400                                |
        | $.error | #contains the body is not JSON     |

  Rule: Without Kafka nothing is promised

    Scenario: while Kafka refuses connections, callers are told to come back
      Given connections from iris to kafka are refused
      When I send POST "/events" to iris
        | $.user_id | ada           |
        | $.type    | sleep.started |
      Then the response has
        | status             | 503     |
        | header retry-after | 1       |
        | $.error            | #string |
      When every fault is healed
      Then topic events.raw.v1 never has a record

    Scenario: iris takes events again once Kafka is back
      Given nothing passes between iris and kafka
      When I send POST "/events" to iris
        | $.user_id | ada           |
        | $.type    | sleep.started |
      Then the response has
        | status | 503 |
      When every fault is healed
      Then iris is ready within 10 seconds
      When I send POST "/events" to iris as accepted
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      Then the response has
        | status | 202 |
      And topic events.raw.v1 eventually has a record
        | $.event_id | ${accepted.event_id} |
