Feature: A streak is the same, whoever keeps it
  zeus counts streaks as it did before there was chronos, until the last user has moved. `streaks` is a role that both of them
  provide: these scenarios run against the first that does, zeus, and with `--role streaks=chronos` against the other. Before
  janus sends chronos a larger share of the requests, they pass with both.

  Background:
    Given a user as ada
      | $.email    | ${fake.email} |
      | $.timezone | Asia/Tokyo    |

  Scenario: who has completed nothing yet has a streak of no days
    Then GET "/streaks/${ada.id}" from streaks eventually has
      | status     | 200        |
      | $.days     | 0          |
      | $.last_day | null       |
      | $.timezone | Asia/Tokyo |

  Scenario: a streak is told in the user's own days
    When ada completes a meditation at 2026-11-22T12:00:00Z
    And ada completes a sleep at 2026-11-23T12:00:00Z
    And ada completes a stretch at 2026-11-23T15:30:00Z
    Then GET "/streaks/${ada.id}" from streaks eventually has
      | status     | 200        |
      | $.user_id  | ${ada.id}  |
      | $.days     | 3          |
      | $.last_day | 2026-11-24 |
      | $.timezone | Asia/Tokyo |

  Scenario: a streak outlives a restart of whoever keeps it
    When ada completes a meditation at 2026-11-23T12:00:00Z
    Then GET "/streaks/${ada.id}" from streaks eventually has
      | $.days | 1 |
    When streaks is restarted
    And ada completes a meditation at 2026-11-24T12:00:00Z
    Then GET "/streaks/${ada.id}" from streaks eventually has
      | $.days     | 2          |
      | $.last_day | 2026-11-24 |
