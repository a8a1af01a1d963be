Feature: What members of Olympus do, in its own words

  @phrase
  Scenario: a user as <name>
    # signs up through the edge; ${<name>.id} is what zeus knows them by
    When I send POST "/users" to janus as <name>
      | <table> | |
    Then the response has
      | status | 201 |

  @phrase
  Scenario: <name> completes a <activity> at <moment>
    When I send POST "/events" to janus
      | $.user_id     | ${<name>.id}         |
      | $.type        | <activity>.completed |
      | $.occurred_at | <moment>             |
    Then the response has
      | status | 202 |
