Feature: ledgers

  Scenario: an order is lost and another one doubled
    When I send 4 POST "/orders" to shop
      | $.number | ${ordinal} |
    Then every order in ledger orders is eventually charged exactly once
