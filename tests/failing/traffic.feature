Feature: traffic

  Scenario: a request cannot be made
    When I send GET "/orders/o-1" to shop as order
    And 1 POST "/orders" per second are sent to shop as writes
      | $.customer | ${order.customer} |
    Then no request of writes fails

  Scenario: requests fail
    When 1 GET "/orders/o-2" per second are sent to shop as reads
    Then no request of reads fails

  Scenario: more requests fail than may
    When 1 GET "/orders/o-2" per second are sent to shop as reads
    Then at most 1 % of the requests of reads fail

  Scenario: requests are slow
    When 1 GET "/slow" per second are sent to shop as reads
    Then at most 5 % of the requests of reads are slower than 20 ms

  Scenario: responses are others
    When 1 GET "/orders/o-1" per second are sent to shop as reads
    Then every response of reads has
      | status  | 200  |
      | $.state | paid |
