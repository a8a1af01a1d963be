Feature: A streak counts the days on which a user completed something
  Completed activities make streaks: consecutive days of the user's own calendar. Every event counts once, however often it
  is delivered. chronos counts them, and announces each event that counts in activity.v1; zeus, who did so before, still
  counts as well, and until the last user has moved the two must agree.

  Rule: Consecutive days make a streak

    Scenario: the first completed activity begins a streak
      When I send POST "/events" to iris as accepted
        | $.user_id     | ada                  |
        | $.type        | meditation.completed |
        | $.occurred_at | 2026-11-24T08:00:00Z |
      Then GET "/streaks/ada" from chronos eventually has
        | status     | 200        |
        | $.user_id  | ada        |
        | $.days     | 1          |
        | $.last_day | 2026-11-24 |
        | $.timezone | UTC        |
      And topic activity.v1 eventually has exactly 1 record, and no other
        | key              | ada                  |
        | header ce_id     | ${accepted.event_id} |
        | header ce_type   | activity.counted     |
        | header ce_source | /chronos             |
        | $.day            | 2026-11-24           |
        | $.days           | 1                    |

    Scenario Outline: activity on <days> is a streak of <length>
      Given a user as ada
        | $.email | ${fake.email} |
      When ada completes a meditation at 2026-11-<first>T08:00:00Z
      And ada completes a sleep at 2026-11-<second>T21:00:00Z
      And ada completes a stretch at 2026-11-<third>T12:00:00Z
      Then topic activity.v1 eventually has exactly 3 records, and no other
        | key | ${ada.id} |
      And GET "/streaks/${ada.id}" from chronos has
        | $.days     | <length>        |
        | $.last_day | 2026-11-<third> |
      And GET "/streaks/${ada.id}" from zeus eventually has
        | $.days     | <length>        |
        | $.last_day | 2026-11-<third> |

      Examples:
        | days                  | first | second | third | length |
        | three days in a row   | 22    | 23     | 24    | 3      |
        | one and the same day  | 24    | 24     | 24    | 1      |
        | days with a gap       | 20    | 23     | 24    | 2      |

    Scenario: what was begun and not completed does not count
      When I send POST "/events" to iris
        | $.user_id | ada                |
        | $.type    | meditation.started |
      And I send POST "/events" to iris
        | $.user_id     | ada                  |
        | $.type        | meditation.completed |
        | $.occurred_at | 2026-11-24T08:00:00Z |
      Then topic activity.v1 eventually has exactly 1 record, and no other
        | $.day | 2026-11-24 |

    Scenario: nobody of that name has a streak
      Then GET "/streaks/nobody" from chronos has
        | status | 404 |

    Scenario: a streak from before chronos goes on
      Given table streaks of chronos-db holds
        | user_id | days | last_day   | timezone         |
        | ada     | 41   | 2026-11-23 | America/New_York |
      Then GET "/streaks/ada" from chronos has
        | status     | 200              |
        | $.days     | 41               |
        | $.last_day | 2026-11-23       |
        | $.timezone | America/New_York |
      When I send POST "/events" to iris
        | $.user_id     | ada                  |
        | $.type        | meditation.completed |
        | $.occurred_at | 2026-11-24T20:00:00Z |
      Then GET "/streaks/ada" from chronos eventually has
        | $.days     | 42         |
        | $.last_day | 2026-11-24 |

  Rule: A day is the user's own calendar day

    Scenario Outline: <when> belongs to <day>
      Given a user as ada
        | $.email    | ${fake.email} |
        | $.timezone | <timezone>    |
      When ada completes a sleep at <moment>
      Then GET "/streaks/${ada.id}" from chronos eventually has
        | $.days     | 1          |
        | $.last_day | <day>      |
        | $.timezone | <timezone> |
      And GET "/streaks/${ada.id}" from zeus eventually has
        | $.days     | 1          |
        | $.last_day | <day>      |
        | $.timezone | <timezone> |

      Examples:
        | when                                | timezone         | moment               | day        |
        | a late evening in New York          | America/New_York | 2026-11-25T03:30:00Z | 2026-11-24 |
        | an early morning in Tokyo           | Asia/Tokyo       | 2026-11-24T15:30:00Z | 2026-11-25 |
        | the last minute of a 23-hour day    | America/New_York | 2026-03-09T03:59:00Z | 2026-03-08 |

    Scenario: a user who moves takes the days along
      Given a user as ada
        | $.email | ${fake.email} |
      And ada completes a sleep at 2026-11-24T23:30:00Z
      And GET "/streaks/${ada.id}" from chronos eventually has
        | $.last_day | 2026-11-24 |
      And GET "/streaks/${ada.id}" from zeus eventually has
        | $.last_day | 2026-11-24 |
      When I send PATCH "/users/${ada.id}" to janus
        | $.timezone | Europe/Berlin |
      Then GET "/streaks/${ada.id}" from chronos eventually has
        | $.days     | 1             |
        | $.last_day | 2026-11-25    |
        | $.timezone | Europe/Berlin |
      And GET "/streaks/${ada.id}" from zeus has
        | $.days     | 1             |
        | $.last_day | 2026-11-25    |
        | $.timezone | Europe/Berlin |

  Rule: Every event counts once

    Scenario: an event that is delivered twice counts once
      When I publish 2 records to topic events.raw.v1
        | key           | ada                  |
        | $.event_id    | e-1                  |
        | $.user_id     | ada                  |
        | $.type        | meditation.completed |
        | $.occurred_at | 2026-11-24T08:00:00Z |
      Then topic activity.v1 eventually has exactly 1 record, and no other
        | key        | ada |
        | $.event_id | e-1 |
      And table activity of chronos-db has exactly 1 row
        | event_id | e-1        |
        | day      | 2026-11-24 |

    Scenario: what cannot be read is passed over
      When I publish a record to topic events.raw.v1
        | partition | 3        |
        | value     | not JSON |
      And I publish a record to topic events.raw.v1
        | partition     | 3                    |
        | key           | ada                  |
        | $.event_id    | e-1                  |
        | $.user_id     | ada                  |
        | $.type        | meditation.completed |
        | $.occurred_at | 2026-11-24T08:00:00Z |
      Then GET "/streaks/ada" from chronos eventually has
        | $.days | 1 |
      And GET "/streaks/ada" from zeus eventually has
        | $.days | 1 |

  Rule: Faults delay a streak and do not change it

    Scenario: while the database cannot be reached, events wait
      Given nothing passes between chronos and chronos-db
      When I send POST "/events" to iris
        | $.user_id     | ada                  |
        | $.type        | meditation.completed |
        | $.occurred_at | 2026-11-24T08:00:00Z |
      And the cut between chronos and chronos-db has struck
      Then table activity of chronos-db has no rows
      When the cut between chronos and chronos-db is healed
      Then topic activity.v1 eventually has exactly 1 record
      And GET "/streaks/ada" from chronos has
        | $.days | 1 |

    Scenario: a chronos that was paused counts what it missed
      Given chronos is paused
      When I send POST "/events" to iris
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      And chronos is resumed
      Then GET "/streaks/ada" from chronos eventually has
        | $.days | 1 |

    Scenario: a chronos that died counts what it missed, once
      When I send 3 POST "/events" to iris
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      And chronos is killed
      And I send 3 POST "/events" to iris
        | $.user_id | ada             |
        | $.type    | sleep.completed |
      And chronos is started
      Then chronos is ready within 20 seconds
      And table activity of chronos-db eventually has exactly 6 rows
        | user_id | ada |
