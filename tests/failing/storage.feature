Feature: buckets

  Background:
    When I send POST "/receipts" to shop

  Scenario: an object is elsewhere
    Then bucket receipts eventually has exactly 2 objects under "o-", and no other

  Scenario: a line is another
    Then bucket receipts eventually has a line under "o-"
      | $.paid | false |

  Scenario: no object has such a line
    Then bucket receipts eventually has an object under "o-" with a line
      | $.paid  | true |
      | $.total | 12.5 |
