"""What the API says to a call that is wrong."""


def test_faults_of_the_body_and_of_its_values_are_told_in_one_answer(platform):
    platform.put_profile("p", token_url="https://login.example/token")
    answer = platform.exchange("p", variables={"username": "ada", "pasword": "x"}, budget_ms=1, trace="yes")
    assert (answer.status, answer.json["code"]) == (400, "bad_input")
    errors = {e["field"]: e["message"] for e in answer.json["errors"]}
    assert set(errors) == {"budget_ms", "trace", "variables.pasword", "variables.password"}
    assert "password" in errors["variables.pasword"] and "required" in errors["variables.password"]
    assert len(answer.json["errors"]) == len(errors)
