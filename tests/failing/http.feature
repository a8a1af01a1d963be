Feature: requests and responses

  Scenario: nobody listens
    Given shop is killed
    When I send GET "/orders/o-1" to shop

  Scenario: nobody listens to any of several
    Given shop is killed
    When I send 3 GET "/orders/o-1" to shop

  Scenario: nobody listens to any at once
    Given shop is killed
    When I send 3 GET "/orders/o-1" to shop at once

  Scenario: a response is another
    When I send POST "/orders" to shop
      | $.amount | 12.5 |
    Then the response has
      | status         | 201     |
      | $.id           | o-1     |
      | $.order.amount | "12.5"  |
      | $.total        | #number |
      | header etag    | W/"1"   |

  Scenario: one response of several is another
    When I send 3 POST "/orders" to shop
      | $.number | ${ordinal} |
    Then every response has
      | status | 202             |
      | $.id   | #regex o-[1245] |

  Scenario: a response is not as its schema file says
    When I send GET "/orders/o-1" to shop
    Then the response matches schema "order.json"

  Scenario: a response is not as the schema says
    When I send GET "/orders/o-1" to shop
    Then the response matches the schema
      """json
      {
        "type": "object",
        "required": ["id", "total"],
        "properties": { "id": { "type": "integer" }, "state": { "enum": ["placed", "paid"] } }
      }
      """

  Scenario: a state is never reached
    Then GET "/orders/o-1" from shop eventually has
      | status  | 200  |
      | $.state | paid |
