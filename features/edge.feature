Feature: There is one edge, and what moves behind it is not noticed
  janus leads every request to the service that owns its path. The streaks move from zeus to chronos, so many users of a
  hundred at a time, and a user who has moved stays. Here it is 50: ada still has hers from zeus, hedy from chronos.

  Rule: A path belongs to one service

    Scenario: an event that is sent to the edge is iris' to accept
      When I send POST "/events" to janus as accepted
        | $.user_id | ada           |
        | $.type    | sleep.started |
      Then the response has
        | status     | 202   |
        | $.event_id | #uuid |
      And topic events.raw.v1 eventually has exactly 1 record, and no other
        | $.event_id | ${accepted.event_id} |

    Scenario Outline: <path> is answered by <service>
      Then GET "<path>" from janus has
        | status  | <status> |
        | $.error | <error>  |

      Examples:
        | path             | service   | status | error                               |
        | /users/nobody    | zeus      | 404    | nobody of that id                   |
        | /replays/unknown | mnemosyne | 404    | no replay of that id                |
        | /deliveries      | hermes    | 400    | event_id is missing                 |
        | /elsewhere       | nobody    | 404    | nothing is served under this path   |

  Rule: A user's streak comes from one service, always the same

    Background:
      # the two disagree, so that the answer shows whose it is
      Given table streaks of zeus-db holds
        | user_id | days | last_day   |
        | ada     | 7    | 2026-11-23 |
        | hedy    | 7    | 2026-11-23 |
      And table streaks of chronos-db holds
        | user_id | days | last_day   |
        | ada     | 41   | 2026-11-23 |
        | hedy    | 41   | 2026-11-23 |

    Scenario: whoever has moved has their streak from chronos
      When I send 20 GET "/streaks/hedy" to janus
      Then every response has
        | status | 200 |
        | $.days | 41  |

    Scenario: whoever has not moved yet has it from zeus
      When I send 20 GET "/streaks/ada" to janus
      Then every response has
        | status | 200 |
        | $.days | 7   |

    Scenario: a GET waits for a service that is about to be back
      Given chronos is killed
      And chronos is started
      When I send GET "/streaks/hedy" to janus
      Then the response has
        | status | 200 |
        | $.days | 41  |

    Scenario: a rollout is not noticed
      When 20 GET "/streaks/hedy" per second are sent to janus as traffic
      And chronos is restarted
      Then no request of traffic fails
      And every response of traffic has
        | $.days | 41 |

    Scenario: a service that stays away is told, and the users of the other notice nothing
      Given chronos is killed
      When I send GET "/streaks/hedy" to janus
      Then the response has
        | status             | 503 |
        | header retry-after | 1   |
      And GET "/streaks/ada" from janus has
        | status | 200 |
        | $.days | 7   |

    Scenario: an answer that does not come is not waited for for ever
      Given nothing passes between janus and chronos
      When I send GET "/streaks/hedy" to janus
      Then the response has
        | status | 504 |

  Rule: What may change something is sent once

    Scenario: a POST to a service that cannot be reached is not sent later
      Given connections from janus to iris are refused
      When I send 2 POST "/events" to janus
        | $.user_id | ada           |
        | $.type    | sleep.started |
      Then every response has
        | status | #number 502..504 |
      When every fault is healed
      Then topic events.raw.v1 never has a record

  Rule: A trace goes all the way

    Scenario: a caller's trace is passed on
      When I send POST "/events" to janus
        | header traceparent | 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 |
        | $.user_id          | ada                                                     |
        | $.type             | sleep.started                                           |
      Then the response has
        | header trace-id | 0af7651916cd43dd8448eb211c80319c |
      And topic events.raw.v1 eventually has a record
        | header traceparent | #regex 00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01 |

    Scenario: a caller without a trace is given one
      When I send POST "/events" to janus as accepted
        | header traceparent | none          |
        | $.user_id          | ada           |
        | $.type             | sleep.started |
      Then the response has
        | header trace-id | #regex [0-9a-f]{32} |
      And topic events.raw.v1 eventually has a record
        | header traceparent | #contains ${accepted:header trace-id} |
