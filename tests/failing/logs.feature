Feature: logs

  Background:
    When I send POST "/sales" to shop

  Scenario: a line is another
    Then shop eventually logs exactly 1 line
      | level    | info |
      | message  | sold |
      | order.id | o-2  |

  Scenario: a text is nowhere
    Then shop eventually logs "refunded"

  Scenario: an error is logged
    Then no service ever logs an error
