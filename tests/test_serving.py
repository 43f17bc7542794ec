"""The rest of the HTTP contract: pages, descriptions, probes, and whatever else a client may send."""

import json
import re
import uuid
from pathlib import Path

import httpx
import pytest

from tests.calls import GRADIO_FILES, REGIONS, predict
from tests.conftest import PATIENT, PERSON, Server

# Pages and descriptions


def test_the_root_leads_a_browser_to_the_page_and_tells_others_where_things_are(insurance_server, insurance):
    browser = insurance_server.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    program = insurance_server.get("/", headers={"accept": "*/*"})

    assert (browser.status_code, browser.headers["location"]) == (307, "ui/")
    assert program.json() == {"model": insurance, "page": "ui/", "docs": "docs", "api": "docs.json"}


@pytest.mark.parametrize(
    ("path", "accepted", "title"),
    [
        ("/ui/", "en-GB,en;q=0.9", "Hospital charges"),
        ("/ui/", "zh-CN,zh;q=0.9,en;q=0.8", "住院费用"),
        ("/ui/", "fr;q=0.9,zh;q=0.5,en;q=0.4", "住院费用"),
        ("/ui/", "fr", "Hospital charges"),
        ("/ui/", ";q=,,\xff;q=9", "Hospital charges"),
        ("/ui/zh/", "en", "住院费用"),
        ("/ui/en/", "zh", "Hospital charges"),
    ],
)
def test_the_page_is_in_the_browsers_language_and_has_an_address_in_each(insurance_server, path, accepted, title):
    response = insurance_server.get(path, headers={"accept-language": accepted.encode("latin-1")})

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert f'"title":"{title}"' in response.text


def test_caches_know_that_the_page_depends_on_the_language(insurance_server):
    assert "accept-language" in insurance_server.get("/ui/").headers.get("vary", "").lower()


def test_the_page_is_found_without_its_last_slash(insurance_server):
    found = {
        path: insurance_server.get(path, follow_redirects=True).status_code for path in ("/ui", "/ui/zh", "/ui/en")
    }

    assert found == {"/ui": 200, "/ui/zh": 200, "/ui/en": 200}


def test_the_docs_page_names_no_other_host_and_its_files_are_there(insurance_server):
    page = insurance_server.get("/docs").text

    assert not re.search(r"(https?:)?//\w", page)
    for file in re.findall(r'(?:src|href)="\./([^"]+)"', page) + ["docs.json"]:
        assert insurance_server.get(f"/{file}").status_code == 200, file


def test_the_api_description_has_the_models_own_fields_and_every_reference_resolves(diabetes_server):
    document = diabetes_server.get("/docs.json").json()

    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    row = body["properties"]["records"]["items"]
    assert list(row["properties"]) == row["required"] == list(PATIENT)
    assert row["additionalProperties"] is False
    glucose, age = row["properties"]["Glucose"], row["properties"]["Age"]
    measured, missing = glucose["anyOf"]
    assert (measured["type"], measured["minimum"], measured["maximum"]) == ("integer", 20, 600)
    assert (missing, glucose["nullable"]) == ({"enum": [0]}, True)
    assert (age["minimum"], age["maximum"], age.get("nullable", False)) == (0, 120, False)
    assert predict(diabetes_server, row["example"]).status_code == 200
    assert {"/predict", "/predict_csv", "/model", "/model/schema", "/model/card", "/livez"} <= document["paths"].keys()
    assert document["openapi"].startswith("3.") and document["info"].keys() >= {"title", "version"}
    for path in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        node = document
        for key in path.split("/"):
            node = node[key]
    assert "http://" not in json.dumps(document) and "https://" not in json.dumps(document)


def test_the_api_description_says_exactly_what_is_accepted(insurance_server):
    paths = insurance_server.get("/docs.json").json()["paths"]

    for path, kind in (
        ("/predict", "application/json"),
        ("/explain", "application/json"),
        ("/predict_csv", "multipart/form-data"),
    ):
        call = paths[path]["post"]
        body = call["requestBody"]
        schema = body["content"][kind]["schema"]
        assert body["required"] and schema["additionalProperties"] is False and schema["required"], path
        assert {"400", "401", "403", "413", "415", "429", "503"} <= call["responses"].keys()
    for path, described in paths.items():
        for answer in described.get("get", {}).get("responses", {}).get("200", {}).get("content", {}):
            assert insurance_server.get(path).headers["content-type"].partition(";")[0] == answer, path
    assert paths["/docs"]["get"]["responses"]["200"]["content"].keys() == {"text/html"}
    assert paths["/favicon.ico"]["get"]["responses"]["200"]["content"].keys() == {"image/svg+xml"}


def test_what_means_not_measured_is_described(diabetes_server):
    body = diabetes_server.get("/docs.json").json()["paths"]["/predict"]["post"]["requestBody"]
    fields = body["content"]["application/json"]["schema"]["properties"]["records"]["items"]["properties"]

    assert {"enum": [0]} in fields["BMI"]["anyOf"]
    assert predict(diabetes_server, PATIENT | {"BMI": 0}).status_code == 200


def test_the_model_says_whether_training_rows_are_kept(insurance_server):
    assert insurance_server.get("/model").json()["training_rows"] == {"in_background": False, "in_model": []}


def test_the_api_description_names_the_categories(insurance_server):
    document = insurance_server.get("/docs.json").json()

    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["records"]["items"]["properties"]["region"]["enum"] == REGIONS


def test_the_model_says_what_it_is(diabetes_server, diabetes):
    model, schema = diabetes_server.get("/model").json(), diabetes_server.get("/model/schema").json()

    assert (model["model"], model["task"], model["target"]) == (diabetes, "classification", "Outcome")
    assert (model["estimator"], model["engine"], model["rows"]["all"]) == ("LinearDiscriminantAnalysis", "onnx", 768)
    assert 0.7 < model["holdout"]["AUC"] < 1 and 0.7 < model["folds"]["AUC"]["mean"] < 1
    assert [field["name"] for field in schema["fields"]] == list(PATIENT)
    assert schema["target"]["classes"] == [0, 1]


@pytest.mark.parametrize(
    ("query", "title"), [("", "# Hospital charges"), ("?lang=zh", "# 住院费用"), ("?lang=fr", "# Hospital charges")]
)
def test_the_card_is_there_in_both_languages(insurance_server, query, title):
    response = insurance_server.get(f"/model/card{query}")

    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    assert response.text.splitlines()[0] == title


# Whatever else is sent

OURS = [
    "/",
    "/predict",
    "/predict_csv",
    "/explain",
    "/model",
    "/model/schema",
    "/model/card",
    "/docs",
    "/docs.json",
    "/ui/",
    "/livez",
]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_other_methods_do_not_cause_a_500(insurance_server, method):
    answered = {path: httpx.request(method, insurance_server.url + path, timeout=60).status_code for path in OURS}

    refused = 400 if method == "BREW" else 405  # a method that the parser of HTTP does not know
    assert all(status in (200, 204, 307, refused) for status in answered.values()), answered
    assert {answered["/predict"], answered["/predict_csv"], answered["/explain"]} == {refused}


@pytest.mark.parametrize(
    "path",
    ["//predict", "/PREDICT", "/predict%00", "/nope", "/ui/nope", "/ui/%2e%2e/model", "/%2e%2e/%2e%2e/etc/passwd"]
    + ["/static_content/%2e%2e/%2e%2e/x", "/ui/assets/%2e%2e/%2e%2e/x", "/ui/gradio_api/file=/etc/passwd"]
    + ["/ui/gradio_api/file=service.py", "/ui/gradio_api/proxy=http://127.0.0.1:1/"],
)
def test_odd_paths_lead_nowhere(insurance_server, path):
    response = insurance_server.get(path)

    assert response.status_code in (400, 403, 404)
    assert "root:" not in response.text and "Traceback" not in response.text


@pytest.mark.parametrize("host", ["[::::", "a b", "x:99999999", "\\"])
@pytest.mark.parametrize("header", ["host", "x-forwarded-host", "x-gradio-server"])
def test_a_bad_host_header_does_not_cause_a_500(insurance_server, header, host):
    answered = [insurance_server.get(path, headers={header: host}).status_code for path in ("/", "/ui/", "/docs")]

    assert max(answered) < 500, answered


def run(server: Server, **body: object) -> httpx.Response:
    """A call to Gradio's own API, as the page makes it when a field changes (its first event is the browser's own)."""
    return server.post("/ui/gradio_api/run/predict", json={"fn_index": 1, "session_hash": "x"} | body)


SENT = "[]"  # the fields as the browser has them, which go back with the answer


def test_the_pages_own_api_copies_no_file_of_the_server_to_where_it_can_be_fetched(insurance_server, tmp_path):
    secret = tmp_path / f"{uuid.uuid4()}.txt"
    secret.write_text("a secret of the server")
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}

    run(insurance_server, data=[file] * len(PERSON) + [SENT])

    copies = list(GRADIO_FILES.rglob(secret.name))
    fetched = [insurance_server.get(f"/ui/gradio_api/file={copy}").text for copy in copies]
    for copy in copies:
        copy.unlink()
    assert fetched == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"data": []}, id="no values"),
        pytest.param({"data": ["x"] * 6 + [SENT]}, id="wrong values"),
        pytest.param({"data": [40, "alien", 25, 0, "no", "southwest", SENT]}, id="unknown category"),
        pytest.param({"data": [40, "male", 25, 0, "no", {"a": [1]}, SENT]}, id="object"),
        pytest.param({"data": [40, "male", 25, 0, "no", "southwest", SENT], "fn_index": 99}, id="no such function"),
        pytest.param(
            {"data": [{"path": "http://127.0.0.1:1/", "meta": {"_type": "gradio.FileData"}}] * 6 + [SENT]},
            id="an address",
        ),
    ],
)
def test_calls_that_the_page_would_not_send_do_not_cause_a_500(insurance_server, body):
    response = run(insurance_server, **body)

    assert response.status_code < 500, response.text[:300]
    assert "object at 0x" not in response.text and "failed validation" not in response.text


@pytest.mark.parametrize("value", ["abc", "12,5", "<b>", "\x00", 1e300, -1, True, None, ""])
def test_no_page_event_causes_a_500_whatever_is_in_the_fields(insurance_server, insurance, value):
    fields = [40, "male", value, 0, "no", "southwest"]
    for index in range(12):
        for data in (
            [],
            [value],
            fields,
            [*fields, "bmi"],
            [*fields, value],
            [*fields, "bmi", SENT],
            [*fields, "bmi", value],
        ):
            response = run(insurance_server, fn_index=index, data=data)

            assert response.status_code in (200, 400, 404), (index, data, response.text[:300])
            assert '"visible"' not in response.text


@pytest.mark.parametrize("data", ["[NaN]", "[Infinity]", "{}", '""', "null", '{"a": 1}'])
def test_a_call_whose_values_are_not_a_list_of_json_values_is_refused(diabetes_server, data):
    for index in range(8):
        body = f'{{"fn_index": {index}, "data": {data}}}'
        response = diabetes_server.post(
            "/ui/gradio_api/run/predict", content=body, headers={"content-type": "application/json"}
        )

        assert response.status_code == 400 and response.json()["details"] == []


def test_the_page_takes_no_uploads_but_through_predict_csv(insurance_server):
    response = insurance_server.post("/ui/gradio_api/upload", files={"files": ("a.html", b"<script>1</script>")})

    for path in response.json() if response.status_code == 200 else ():
        Path(path).unlink()
    assert response.status_code in (403, 404, 405, 413)


def test_events_handled_in_the_browser_cannot_be_called(insurance_server):
    fields = [40, "male", 25, 0, "no", "southwest"]

    refused = run(insurance_server, fn_index=0, data=[*fields, "bmi"])
    answered = run(insurance_server, data=[*fields, '"><b>'])

    assert refused.status_code == 400 and refused.json()["details"] == []
    assert 'data-fields="&#34;&gt;&lt;b&gt;"' in answered.json()["data"][0] and "<b>" not in answered.text
