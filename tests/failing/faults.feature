Feature: faults

  Scenario: a cut is not met
    Given nothing passes between shop and bank
    When I send GET "/orders/o-1" to shop

  Scenario: a refusal is not met
    Given connections from shop to bank are refused
    When I send GET "/orders/o-1" to shop

  Scenario: an answer is met too seldom
    Given the first 2 POST "/charges" from shop to bank are answered 503
    When I send POST "/orders" to shop

  Scenario: an answer is not met
    Given the first POST "/charges" from shop to bank is answered 503
    When I send GET "/orders/o-1" to shop

  Scenario: what is dead cannot be killed
    Given shop is killed
    When shop is killed

  Scenario: what is dead cannot be paused
    Given shop is killed
    When shop is paused

  Scenario: what goes on cannot be resumed
    When shop is resumed

  Scenario: what runs cannot be started
    When shop is started

  Scenario: what is dead cannot be restarted
    Given shop is killed
    When shop is restarted

  Scenario: what is paused is not ready
    Given shop is paused
    Then shop is ready within 100 ms

  Scenario: a fault has not struck
    Given nothing passes between shop and bank
    When I send GET "/orders/o-1" to shop
    Then the cut between shop and bank has struck

  Scenario: what is over cannot be healed
    Given shop is paused
    And shop is resumed
    When the pause of shop is healed

  Scenario: there is nothing to heal
    Given shop is killed
    When every fault is healed
