Feature: partners

  Scenario: a call is another
    When I send POST "/orders" to shop
      | $.amount | 12.5 |
    Then partner bank eventually receives exactly 1 call, and no other
      | path     | /charges |
      | status   | 201      |
      | $.amount | 12       |

  Scenario: a call is repeated too soon
    When I send POST "/charges" to shop
      | $.numbers[0] | 1 |
      | $.numbers[1] | 2 |
    Then the calls to partner bank are at least 10 seconds apart

  Scenario: a call is not repeated
    When I send POST "/charges" to shop
      | $.numbers[0] | 1 |
    Then the calls to partner bank are eventually ever further apart

  Scenario: a call comes too late
    When I send POST "/charges" to shop
      | $.numbers[0] | 2 |
      | $.numbers[1] | 1 |
    Then the calls to partner bank are in order of "$.number"

  Scenario: an answer cannot be made
    When I send GET "/orders/o-1" to shop as order
    And partner bank answers POST "/charges" with 402
      """json
      { "order": ${order.id} }
      """
