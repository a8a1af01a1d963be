Feature: metrics

  Background:
    When I send POST "/sales" to shop

  Scenario: a counter rises with another tag
    Then metric orders.placed eventually rises by exactly 1
      | tag currency | USD |

  Scenario: a gauge stands at another value
    Then metric orders.open is eventually exactly 0

  Scenario: a value is another
    Then metric orders.took eventually has exactly 1 value
      | value        | #number 0..20 |
      | tag currency | EUR           |

  Scenario: an event is another
    Then shop eventually sends an event to statsd
      | title      | sold out |
      | alert_type | error    |

  Scenario: a check has another status
    Then shop eventually sends a service check to statsd
      | name   | till.open |
      | status | ok        |
