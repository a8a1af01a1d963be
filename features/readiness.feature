Feature: A service says whether it can do its work
  What stands before a service asks `/readyz` where requests may go. A service that cannot reach what it lives on says 503 and
  what it lacks, and is ready again when that is back.

  Scenario: a service without its database is not ready until that is back
    Given nothing passes between chronos and chronos-db
    Then GET "/readyz" from chronos eventually has
      | status             | 503       |
      | $.status           | not ready |
      | $.failing.postgres | #string   |
      | $.failing.kafka    | #absent   |
    When every fault is healed
    Then GET "/readyz" from chronos eventually has
      | status   | 200   |
      | $.status | ready |

  Scenario: a service without its broker is not ready until that is back
    Given nothing passes between iris and kafka
    Then GET "/readyz" from iris eventually has
      | status          | 503       |
      | $.status        | not ready |
      | $.failing.kafka | #string   |
    When every fault is healed
    Then GET "/readyz" from iris eventually has
      | status | 200 |

  Scenario: a service without its storage is not ready until that is back
    Given nothing passes between mnemosyne and raw-events
    Then GET "/readyz" from mnemosyne eventually has
      | status             | 503       |
      | $.status           | not ready |
      | $.failing.s3       | #string   |
      | $.failing.kafka    | #absent   |
      | $.failing.postgres | #absent   |
    When every fault is healed
    Then GET "/readyz" from mnemosyne eventually has
      | status   | 200   |
      | $.status | ready |
