"""The fake Google Sheets, driven by two clients that do not know it: gspread, and Google's own.

Every exchange is held against Google's description of the API as well (see ``conftest.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gspread
import pytest
import requests
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from hub.clock import ManualClock
from hub.testing.faults import Fault
from hub.testing.google_book import Book
from hub.testing.google_grid import Formula
from hub.testing.google_sheets import ACCOUNT, GoogleSheets
from tests.connectors.discovery import mistakes

SCOPES = ["https://www.googleapis.com/auth/spreadsheets"]


@pytest.fixture
def book(google: GoogleSheets) -> Book:
    return google.new_book()


def sign_in(google: GoogleSheets, account: str = ACCOUNT) -> gspread.Client:
    """The real gspread, with its requests led to the fake."""

    class Redirected(gspread.HTTPClient):
        def request(self, method: str, endpoint: str, *args: Any, **options: Any) -> requests.Response:
            endpoint = endpoint.replace("https://sheets.googleapis.com", google.url)
            return super().request(method, endpoint, *args, **options)

    credentials = json.loads(google.service_account(account))
    found = gspread.service_account_from_dict(credentials, scopes=SCOPES, http_client=Redirected)
    found.set_timeout((1, 0.3))
    return found


@pytest.fixture
def client(google: GoogleSheets) -> Iterator[gspread.Client]:
    found = sign_in(google)
    yield found
    found.http_client.session.close()


@pytest.fixture
def api(google: GoogleSheets, client: gspread.Client) -> Iterator[Any]:
    """Google's own client, on Google's own description of the API."""
    client.http_client.login()
    token = Credentials(token=client.http_client.auth.token)  # type: ignore[no-untyped-call]  # Google's own lack
    options = {"api_endpoint": google.url}
    service = build("sheets", "v4", credentials=token, static_discovery=True, client_options=options)
    yield service.spreadsheets()
    service.close()


def test_gspread_signs_in_reads_writes_and_finds(client: gspread.Client, book: Book) -> None:
    book.add_tab("Orders", ["Order", "Customer"])
    sheet = client.open_by_key(book.id).worksheet("Orders")
    sheet.append_row([1042, "Ana Núñez"], table_range="A1")
    sheet.update_acell("B1", "Buyer")
    cell = sheet.find("Ana Núñez")
    assert cell is not None
    assert (cell.row, cell.col) == (2, 2)
    assert sheet.row_values(2) == ["1042", "Ana Núñez"]
    assert book.rows("Orders") == [["Order", "Buyer"], [1042, "Ana Núñez"]]
    other = client.open_by_key(book.id).add_worksheet("Neu & Ä'b", rows=10, cols=3)
    other.update([["x"]], "C10")
    assert other.get("C10") == [["x"]]


def test_googles_own_client_sees_the_same(api: Any, book: Book) -> None:
    book.add_tab("Orders", ["Order", "Total"], [1, 2.5])
    answer = api.values().get(spreadsheetId=book.id, range="'Orders'!A:B", valueRenderOption="UNFORMATTED_VALUE")
    assert answer.execute()["values"] == [["Order", "Total"], [1, 2.5]]
    api.values().append(
        spreadsheetId=book.id, range="Orders!A1", valueInputOption="RAW", body={"values": [["=1+1", None, "x"]]}
    ).execute()
    assert book.rows("Orders")[-1] == ["=1+1", None, "x"]
    found = api.get(spreadsheetId=book.id, ranges=["Orders!1:2"], fields="sheets(properties.title,data.rowData)")
    (sheet,) = found.execute()["sheets"]
    assert sheet["properties"] == {"title": "Orders"}
    assert [cell["formattedValue"] for cell in sheet["data"][0]["rowData"][1]["values"]] == ["1", "2.5"]


def test_raw_keeps_text_and_user_entered_reads_it_as_a_person_would_type_it(api: Any, book: Book) -> None:
    values = {"values": [["007", "=1+1", "TRUE", "'12"]]}
    for option in ("RAW", "USER_ENTERED"):
        api.values().update(spreadsheetId=book.id, range="A1", valueInputOption=option, body=values).execute()
        got = book.rows("Sheet1")[0]
        assert got == (["007", "=1+1", "TRUE", "'12"] if option == "RAW" else [7, "=1+1", True, "12"])
    assert isinstance(got[1], Formula)


def test_append_looks_for_a_table_and_a_blank_row_splits_it(api: Any, book: Book) -> None:
    book.add_tab("Gap", ["A", "B"], [1, 2], [], [None, "note"])

    def append(option: str) -> str:
        body = {"values": [["new"]]}
        call = api.values().append(
            spreadsheetId=book.id, range="Gap!A1", valueInputOption="RAW", insertDataOption=option, body=body
        )
        updated: str = call.execute()["updates"]["updatedRange"]
        return updated

    assert append("OVERWRITE") == "Gap!A3"
    assert book.rows("Gap")[3] == [None, "note"]
    assert append("INSERT_ROWS") == "Gap!A5"


def update(api: Any, book: Book, *changes: dict[str, Any], **options: Any) -> Any:
    return api.batchUpdate(spreadsheetId=book.id, body={"requests": list(changes), **options}).execute()


def append(sheet: int, *texts: str) -> dict[str, Any]:
    rows = [{"values": [{"userEnteredValue": {"stringValue": text}}]} for text in texts]
    return {"appendCells": {"sheetId": sheet, "rows": rows, "fields": "userEnteredValue"}}


def token(number: int) -> dict[str, Any]:
    metadata = {"metadataId": number, "metadataKey": "k", "visibility": "DOCUMENT", "location": {"spreadsheet": True}}
    return {"createDeveloperMetadata": {"developerMetadata": metadata}}


def test_a_batch_is_applied_as_a_whole_or_not_at_all(api: Any, book: Book) -> None:
    update(api, book, append(0, "one"), token(5))
    for wrong in (token(5), append(99, "x"), append(0, "x" * 50_001)):
        with pytest.raises(HttpError) as refused:
            update(api, book, append(0, "two"), token(6), wrong)
        assert refused.value.status_code == 400
    assert book.rows("Sheet1") == [["one"]]
    assert list(book.metadata) == [5]


def test_cells_are_appended_below_the_last_row_with_anything_in_it_and_the_grid_grows(api: Any, book: Book) -> None:
    tab = book.add_tab("Orders", ["Order"], [], [None, None, "note"])
    tab.row_count = 4
    answer = update(
        api,
        book,
        append(tab.id, "=1+1", "two"),
        includeSpreadsheetInResponse=True,
        responseRanges=["Orders!A2:A"],
        responseIncludeGridData=True,
    )
    assert book.rows("Orders")[3:] == [["=1+1"], ["two"]]
    assert not isinstance(book.rows("Orders")[3][0], Formula)
    (sheet,) = answer["updatedSpreadsheet"]["sheets"]
    assert sheet["properties"]["gridProperties"]["rowCount"] == 5
    (data,) = sheet["data"]
    assert data["startRow"] == 1
    assert data["rowData"][-1]["values"][0]["userEnteredValue"] == {"stringValue": "two"}


def test_number_formats_are_written_and_shown(api: Any, book: Book) -> None:
    cell = {"userEnteredValue": {"numberValue": 46350.25}, "userEnteredFormat": {"numberFormat": {"type": "DATE_TIME"}}}
    content = {
        "start": {"sheetId": 0, "rowIndex": 0, "columnIndex": 1},
        "rows": [{"values": [cell]}],
        "fields": "userEnteredValue,userEnteredFormat.numberFormat",
    }
    update(api, book, {"updateCells": content})
    values = api.values()
    assert values.get(spreadsheetId=book.id, range="B1").execute()["values"] == [["2026-11-24 06:00:00"]]
    raw = values.get(spreadsheetId=book.id, range="B1", valueRenderOption="UNFORMATTED_VALUE").execute()
    assert raw["values"] == [[46350.25]]


def test_metadata_are_found_by_id_and_key_and_deleted(api: Any, book: Book) -> None:
    update(api, book, token(5), token(6))
    metadata = api.developerMetadata()
    assert metadata.get(spreadsheetId=book.id, metadataId=5).execute()["location"]["locationType"] == "SPREADSHEET"
    filters = {"dataFilters": [{"developerMetadataLookup": {"metadataKey": "k"}}]}
    found = metadata.search(spreadsheetId=book.id, body=filters).execute()["matchedDeveloperMetadata"]
    assert [one["developerMetadata"]["metadataId"] for one in found] == [5, 6]
    update(api, book, {"deleteDeveloperMetadata": {"dataFilter": {"developerMetadataLookup": {"metadataId": 5}}}})
    with pytest.raises(HttpError) as missing:
        metadata.get(spreadsheetId=book.id, metadataId=5).execute()
    assert missing.value.status_code == 404


def test_metadata_have_limited_room(api: Any, book: Book) -> None:
    def large(number: int) -> dict[str, Any]:
        created = token(number)
        created["createDeveloperMetadata"]["developerMetadata"]["metadataValue"] = "x" * 20_000
        return created

    update(api, book, large(1))
    with pytest.raises(HttpError, match="30000 characters"):
        update(api, book, large(2))


@pytest.mark.parametrize("wrong", ["Ordres!A1", "'Sheet1", "Sheet1!A1:B2:C3", "Sheet1!A0", "Sheet1!A1001", "AB1"])
def test_ranges_that_do_not_exist_are_refused(client: gspread.Client, book: Book, wrong: str) -> None:
    with pytest.raises(gspread.exceptions.APIError) as refused:
        client.http_client.values_get(book.id, wrong)
    assert refused.value.code == 400


def test_what_is_not_modelled_is_refused_and_not_ignored(api: Any, book: Book) -> None:
    with pytest.raises(HttpError) as refused:
        update(api, book, {"trimWhitespace": {"range": {"sheetId": 0}}})
    assert refused.value.status_code == 501


def test_sixty_reads_and_sixty_writes_a_minute_and_user(google: GoogleSheets, api: Any, book: Book) -> None:
    for _ in range(60):
        api.values().get(spreadsheetId=book.id, range="A1").execute()
    with pytest.raises(HttpError) as refused:
        api.values().get(spreadsheetId=book.id, range="A1").execute()
    assert refused.value.status_code == 429
    assert refused.value.error_details[0]["metadata"]["quota_limit"] == "ReadRequestsPerMinutePerUser"
    update(api, book, append(0, "writes are counted apart"))
    assert isinstance(google.clock, ManualClock)
    google.clock.advance(60)
    api.values().get(spreadsheetId=book.id, range="A1").execute()


def test_only_accounts_that_a_spreadsheet_is_shared_with_may_use_it(google: GoogleSheets, book: Book) -> None:
    stranger = sign_in(google, "stranger@other.iam.gserviceaccount.com")
    with pytest.raises(PermissionError):
        stranger.open_by_key(book.id)
    book.viewers.add("stranger@other.iam.gserviceaccount.com")
    sheet = stranger.open_by_key(book.id).sheet1
    with pytest.raises(gspread.exceptions.APIError, match="does not have permission"):
        sheet.update([["x"]], "A1")
    with pytest.raises(gspread.SpreadsheetNotFound):
        stranger.open_by_key("nothing")
    stranger.http_client.session.close()


def test_a_revoked_token_is_refused_and_renewed(google: GoogleSheets, client: gspread.Client, book: Book) -> None:
    client.open_by_key(book.id)
    google.accounts.revoke_tokens()
    client.open_by_key(book.id)
    assert [exchange.status for exchange in google.exchanges] == [200, 401, 200]


def test_an_unknown_account_and_a_forged_signature_get_no_token(google: GoogleSheets) -> None:
    client = sign_in(google, "gone@shop.iam.gserviceaccount.com")
    google.accounts.remove("gone@shop.iam.gserviceaccount.com")
    with pytest.raises(RefreshError, match="account not found"):
        client.http_client.login()
    client.http_client.session.close()
    for form in (
        {"grant_type": "password"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "e30.e30.AAAA"},
    ):
        assert requests.post(f"{google.url}/token", data=form, timeout=5).status_code == 400


def test_each_fault_shows_as_it_does_at_google_and_applies_what_it_says(
    google: GoogleSheets, client: gspread.Client, book: Book
) -> None:
    def write(text: str) -> object:
        return client.http_client.batch_update(book.id, {"requests": [append(0, text)]})

    google.faults.extend([Fault.TOO_MANY, Fault.BEFORE, Fault.AFTER, Fault.HTML, Fault.DROP, Fault.HANG, Fault.LATE])
    for text, status in (("429", 429), ("before", 503), ("after", 503), ("html", 502)):
        with pytest.raises(gspread.exceptions.APIError) as refused:
            write(text)
        assert refused.value.response.status_code == status
    with pytest.raises(requests.ConnectionError):
        write("drop")
    for text in ("hang", "late"):
        with pytest.raises(requests.ReadTimeout):
            write(text)
    assert book.rows("Sheet1") == [["after"], ["drop"]]
    google.apply_late()
    write("fine")
    assert book.rows("Sheet1") == [["after"], ["drop"], ["late"], ["fine"]]


def test_a_plan_decides_call_by_call(google: GoogleSheets, client: gspread.Client, book: Book) -> None:
    google.plan = lambda call: Fault.BEFORE if call.writes else Fault.NONE
    client.http_client.values_get(book.id, "A1")
    with pytest.raises(gspread.exceptions.APIError):
        client.http_client.batch_update(book.id, {"requests": [append(0, "x")]})


def test_the_judge_of_the_exchanges_notices_what_google_does_not_know(
    google: GoogleSheets, client: gspread.Client, book: Book
) -> None:
    http = client.http_client
    http.values_get(book.id, "A1", params={"valueRendering": "RAW"})
    http.values_get(book.id, "A1", params={"valueRenderOption": "RAW"})
    change = append(0, "x")
    change["appendCells"]["sheetid"] = "0"
    http.batch_update(book.id, {"requests": [change]})
    google.exchanges[-1].answer["replies"] = {}  # type: ignore[index]
    found = [wrong for exchange in google.exchanges for wrong in mistakes(exchange)]
    assert len(found) == 4
    google.exchanges.clear()
