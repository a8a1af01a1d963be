Feature: topics

  Scenario: a partition is not there
    When I publish a record to topic orders.v1
      | key       | o-1 |
      | partition | 7   |
      | $.amount  | 1   |

  Scenario: a partition of several records is not there
    When I publish 3 records to topic orders.v1
      | key       | o-1        |
      | partition | ${ordinal} |
      | $.amount  | 1          |

  Scenario: a record is another
    When I publish a record to topic orders.v1
      | key            | o-1          |
      | header ce_type | order.placed |
      | $.amount       | 12.5         |
    Then topic orders.v1 eventually has exactly 1 record
      | key            | o-1        |
      | header ce_type | order.paid |
      | $.amount       | 12         |

  Scenario: records are out of order
    When I publish a record to topic orders.v1
      | key      | o-1 |
      | $.number | 2   |
    And I publish a record to topic orders.v1
      | key      | o-1 |
      | $.number | 1   |
    Then the records in topic orders.v1 are eventually in order of "$.number" per key
