Feature: tables

  Scenario: a row is refused
    Given table orders of orders-db holds
      | id  | amount | paid  |
      | o-1 | 12.50  | false |
      | o-1 | 3      | true  |

  Scenario: a row is another
    Given table orders of orders-db holds
      | id  | amount |
      | o-1 | 12.50  |
      | o-2 | 3      |
    Then table orders of orders-db eventually has exactly 1 row
      | id     | o-1  |
      | amount | 12.5 |
      | paid   | true |

  Scenario: a datastore is used by nobody
    Then only shop uses orders-db
