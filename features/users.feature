Feature: Users sign up, and whoever must know of a change learns of it
  zeus owns the users. It checks what it is told of one, keeps it, and writes down what is to be announced in the same
  transaction: every change of a user reaches user.v1, once Kafka is there, and nothing that did not happen does.

  Rule: Whoever signs up gets an id

    Scenario: a user signs up
      When I send POST "/users" to janus as ada
        | $.email    | ada@example.com  |
        | $.timezone | America/New_York |
      Then the response has
        | status     | 201              |
        | $.id       | #uuid            |
        | $.email    | ada@example.com  |
        | $.timezone | America/New_York |
      And GET "/users/${ada.id}" from janus has
        | status     | 200              |
        | $.id       | ${ada.id}        |
        | $.email    | ada@example.com  |
        | $.timezone | America/New_York |

    Scenario: a user who names no time zone lives in UTC
      When I send POST "/users" to janus
        | $.email | ${fake.email} |
      Then the response has
        | status     | 201 |
        | $.timezone | UTC |

    Scenario: an email address is one user's, however it is capitalised
      Given I send POST "/users" to janus
        | $.email | ada@example.com |
      When I send POST "/users" to janus
        | $.email | Ada@Example.com |
      Then the response has
        | status  | 409   |
        | $.field | email |
      And topic user.v1 eventually has exactly 1 record

    Scenario Outline: a user with <what> is refused
      When I send POST "/users" to janus
        """json
        <body>
        """
      Then the response has
        | status  | 400     |
        | $.field | <field> |
      And topic user.v1 never has a record

      Examples:
        | what                          | field    | body                                                      |
        | no email address              | email    | {"timezone": "UTC"}                                       |
        | an email address that is none | email    | {"email": "ada at example.com"}                           |
        | a time zone that is none      | timezone | {"email": "ada@example.com", "timezone": "Olympus/Mount"} |
        | a field of their own          | colour   | {"email": "ada@example.com", "colour": "blue"}            |

    Scenario: nobody of that id is known, nor can be changed
      Then GET "/users/nobody" from janus has
        | status | 404 |
      When I send PATCH "/users/nobody" to janus
        | $.timezone | Asia/Tokyo |
      Then the response has
        | status | 404 |

  Rule: Every change is announced, with all of the user

    Background:
      Given a user as ada
        | $.email    | ada-0@example.com |
        | $.timezone | America/New_York  |

    Scenario: a user who signed up is announced
      Then topic user.v1 eventually has exactly 1 record, and no other
        | key                   | ${ada.id}         |
        | header ce_id          | #uuid             |
        | header ce_type        | user.created      |
        | header ce_source      | /zeus             |
        | header ce_specversion | 1.0               |
        | header traceparent    | #present          |
        | $.id                  | ${ada.id}         |
        | $.email               | ada-0@example.com |
        | $.timezone            | America/New_York  |

    Scenario: a user who moves is announced, and keeps the rest
      When I send PATCH "/users/${ada.id}" to janus
        | $.timezone | Asia/Tokyo |
      Then the response has
        | status     | 200               |
        | $.email    | ada-0@example.com |
        | $.timezone | Asia/Tokyo        |
      And topic user.v1 eventually has a record
        | key            | ${ada.id}         |
        | header ce_type | user.changed      |
        | $.email        | ada-0@example.com |
        | $.timezone     | Asia/Tokyo        |

    Scenario: changes of one user are announced in their order
      When I send 5 PATCH "/users/${ada.id}" to janus
        | $.email | ada-${ordinal}@example.com |
      Then every response has
        | status | 200 |
      And topic user.v1 eventually has exactly 6 records
        | key | ${ada.id} |
      And the records in topic user.v1 are in order of "$.email" per key

    Scenario: what is so already is no change
      When I send PATCH "/users/${ada.id}" to janus
        | $.timezone | America/New_York |
      Then the response has
        | status     | 200              |
        | $.timezone | America/New_York |
      And topic user.v1 never has a record
        | header ce_type | user.changed |

    Scenario: a change that is refused changes nothing
      When I send PATCH "/users/${ada.id}" to janus
        | $.email    | ada-1@example.com |
        | $.timezone | Olympus/Mount     |
      Then the response has
        | status  | 400      |
        | $.field | timezone |
      And GET "/users/${ada.id}" from janus has
        | $.email | ada-0@example.com |

  Rule: A change and its announcement are safe together, or neither is

    Scenario: while Kafka is away, users sign up and the announcement waits
      Given connections from zeus to kafka are refused
      When I send POST "/users" to janus as ada
        | $.email | ${fake.email} |
      Then the response has
        | status | 201 |
      When the refusal from zeus to kafka has struck
      Then topic user.v1 has no records
      When the refusal from zeus to kafka is healed
      Then topic user.v1 eventually has exactly 1 record
        | key | ${ada.id} |

    Scenario: a zeus that dies before it could announce does so in its next life
      Given connections from zeus to kafka are refused
      When I send POST "/users" to janus as ada
        | $.email | ${fake.email} |
      And the refusal from zeus to kafka has struck
      And zeus is killed
      And the refusal from zeus to kafka is healed
      And zeus is started
      Then topic user.v1 eventually has exactly 1 record
        | key | ${ada.id} |

    Scenario: without its database, zeus tells callers to come back
      Given connections from zeus to zeus-db are refused
      When I send POST "/users" to janus
        | $.email | ${fake.email} |
      Then the response has
        | status             | 503 |
        | header retry-after | 1   |
      When every fault is healed
      Then topic user.v1 never has a record
