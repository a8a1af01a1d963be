Feature: a sale

  Scenario: it is charged and has a receipt
    When I send POST "/orders" to shop
      | $.amount | 12.5 |
    Then the response has
      | status | 202 |
    And partner bank eventually receives at least 1 call

  Scenario: it is told
    When I publish a record to topic orders.v1
      | key      | o-1  |
      | $.amount | 12.5 |
    Then topic orders.v1 eventually has a record
      | key | o-1 |

  Scenario: a shop comes back
    When shop is killed
    And shop is started
    Then shop is eventually ready
