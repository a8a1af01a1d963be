Feature: services

  Scenario: a service calls what the mesh does not know
    When I send POST "/elsewhere" to shop
    Then no service reaches beyond its edges
