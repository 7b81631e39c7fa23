"""Tickets and slips on paper: every byte read as a printer reads it, every code read back."""

import os
import threading
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pypdfium2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from admission.errors import InvalidInput
from admission.tokens import Purpose, Token, write_token
from admission.wire_tickets import SlipAnswer, TicketAnswer
from scanner_client.decode import read_all
from scanner_client.printer import open_printer
from scanner_client.printer_devices import find_usb
from scanner_client.printer_escpos import ThermalPrinter, draw_code, write_paper
from scanner_client.printer_layout import columns_of, lay_out_slip, lay_out_ticket, wrap
from scanner_client.printer_pdf import PdfPrinter
from scanner_client.printing import Doubtful, NotPrinted
from scanner_client.rescue import ZXING_STAGES
from scanner_client.settings import load_settings
from tests.printers import TcpPrinter
from tests.strip import read_strip

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DAYS = date(2015, 2, 12), date(2015, 2, 20)
TITLE = "大侠谷与茶溪谷两园联票 Two parks in one day"


def a_code(number=57):
    return write_token(Token(1, number, 1, *DAYS, 1, Purpose.TICKET), SIGNER)


def a_ticket(number=57, **changes):
    fields = {
        "ticket": f"T1-{number}",
        "number": number,
        "code": a_code(number),
        "tail": a_code(number)[-4:],
        "venue": "东部华侨城 OCT East",
        "title": TITLE,
        "category": "adult",
        "valid_from": datetime(2015, 2, 12, 4, tzinfo=UTC),
        "valid_until": datetime(2015, 2, 20, 4, tzinfo=UTC),
        "first_day": DAYS[0],
        "last_day": DAYS[1],
        "person": "1/2",
    }
    return TicketAnswer(**(fields | changes))


@pytest.fixture
def settings(tmp_path):
    usual = load_settings(tmp_path).printer

    def made(kind="escpos-network", address="127.0.0.1:9", **changes):
        return replace(usual, kind=kind, address=address, timeout_s=0.5, **changes)

    return made


@pytest.mark.parametrize("width_px", [384, 576])
def test_a_ticket_reads_back_from_the_paper_of_a_thermal_printer(settings, width_px):
    data = write_paper(lay_out_ticket(a_ticket()), settings(width_px=width_px))

    strip = read_strip(data, width_px=width_px)
    [picture] = strip.pictures
    assert [reading.text for reading in read_all(picture, ZXING_STAGES)] == [a_code()]
    for said in ("东部华侨城 OCT East", "门票 TICKET", "成人 ADULT   1/2", "T1-57", "2015-02-20"):
        assert said in strip.text
    assert all(columns_of(line) <= width_px // 12 for line in strip.lines)
    assert strip.cuts == 1


def test_a_printer_without_a_cutter_is_fed_instead(settings):
    data = write_paper(lay_out_ticket(a_ticket()), settings(cut=False))

    strip = read_strip(data, width_px=576)
    assert (strip.cuts, strip.lines[-4:]) == (0, [""] * 4)


@pytest.mark.parametrize(("width_px", "dots"), [(180, 4), (384, 8), (576, 8)])
def test_a_module_is_of_whole_dots_and_at_least_four(width_px, dots):
    picture = draw_code(a_code(), width_px)

    assert picture.size == (45 * dots, 45 * dots)
    assert picture.width <= width_px


def test_a_ticket_of_a_child_says_so_large_and_a_second_print_says_that_it_is_one(settings):
    paper = lay_out_ticket(a_ticket(category="child"), again=True)

    assert [line.text for line in paper.above if line.large] == ["门票 TICKET", "儿童 CHILD   1/2"]
    assert paper.below[-1].text == "补打 PRINTED AGAIN"
    assert "PRINTED AGAIN" in read_strip(write_paper(paper, settings()), width_px=576).text


def test_a_hostile_title_steers_no_printer(settings):
    paper = lay_out_ticket(a_ticket(title="\x1b@\x1dV\x00free\x10\x14 entry\u202e"))

    strip = read_strip(write_paper(paper, settings()), width_px=576)
    assert strip.cuts == 1
    assert "free" in strip.text


def test_a_slip_tells_number_time_people_and_venue(settings):
    slip = SlipAnswer(
        number="D3-17",
        code=a_code(9),
        people=4,
        arrived_at=datetime(2015, 2, 12, 8, 58, tzinfo=UTC),
        local_time="2015-02-12 16:58",
        venue="东部华侨城",
        title=None,
        last_day=date(2015, 2, 12),
    )
    strip = read_strip(write_paper(lay_out_slip(slip), settings()), width_px=576)

    assert "D3-17" in strip.lines
    assert "到场 arrived 2015-02-12 16:58   4 人 people" in strip.lines
    assert [each.text for each in read_all(strip.pictures[0], ZXING_STAGES)] == [a_code(9)]


def test_words_are_wrapped_whole_and_chinese_anywhere():
    assert [*wrap("one two three", 8)] == ["one two", "three"]
    assert [*wrap("大侠谷与茶溪谷", 8)] == ["大侠谷与", "茶溪谷"]


# --- devices -------------------------------------------------------------------------------------


def test_a_network_printer_is_asked_whether_it_is_done(settings):
    with TcpPrinter() as there:
        ThermalPrinter(settings(address=there.address)).print([lay_out_ticket(a_ticket())])

        assert len(read_strip(there.data, width_px=576).pictures) == 1


def test_a_printer_that_is_off_lets_the_ticket_wait(settings):
    with pytest.raises(NotPrinted, match="does not answer"):
        ThermalPrinter(settings(address="127.0.0.1:9")).print([lay_out_ticket(a_ticket())])


@pytest.mark.parametrize(("answer", "said"), [(b"", "."), (b"\x0c", "paper")])
def test_a_jam_and_the_end_of_the_paper_are_doubtful(settings, answer, said):
    with TcpPrinter(answer) as there, pytest.raises(Doubtful, match=said):
        ThermalPrinter(settings(address=there.address)).print([lay_out_ticket(a_ticket())])


def test_a_printer_that_never_answers_is_believed_where_it_is_not_asked(settings):
    with TcpPrinter(b"") as there:
        printer = ThermalPrinter(settings(address=there.address, confirm=False))
        printer.print([lay_out_ticket(a_ticket())])

        assert there.came.wait(5)


def test_a_serial_printer_gets_every_byte(settings):
    ours, theirs = os.openpty()
    paper, received = lay_out_ticket(a_ticket()), bytearray()

    def take():
        while not received.endswith(b"\x1dr\x01"):
            received.extend(os.read(ours, 4096))
        os.write(ours, b"\x00")

    reader = threading.Thread(target=take)
    reader.start()
    printer = ThermalPrinter(
        replace(settings("escpos-serial", os.ttyname(theirs), baud=115200), timeout_s=5.0)
    )
    printer.print([paper])
    reader.join(5)
    os.close(ours)
    os.close(theirs)

    strip = read_strip(bytes(received), width_px=576)
    assert [each.text for each in read_all(strip.pictures[0], ZXING_STAGES)] == [a_code()]


def test_a_device_file_is_written_to_its_end(settings, tmp_path):
    path = tmp_path / "lp0"
    printer = ThermalPrinter(settings("escpos-file", str(path)))
    for number in (1, 2):
        printer.print([lay_out_ticket(a_ticket(number))])

    strip = read_strip(path.read_bytes(), width_px=576)
    codes = [each.text for picture in strip.pictures for each in read_all(picture, ZXING_STAGES)]
    assert codes == [a_code(1), a_code(2)]


def test_a_full_disk_is_doubtful_and_a_file_that_cannot_be_opened_is_not(settings, tmp_path):
    with pytest.raises(Doubtful, match="broke off"):
        ThermalPrinter(settings("escpos-file", "/dev/full")).print([lay_out_ticket(a_ticket())])
    with pytest.raises(NotPrinted):
        ThermalPrinter(settings("escpos-file", str(tmp_path / "no" / "lp0"))).print(
            [lay_out_ticket(a_ticket())]
        )


def test_a_usb_printer_that_is_not_there_lets_the_ticket_wait(settings):
    with pytest.raises(NotPrinted, match="dead:beef"):
        ThermalPrinter(settings("escpos-usb", "dead:beef")).print([lay_out_ticket(a_ticket())])


def test_a_usb_printer_is_found_by_its_numbers_wherever_it_was_plugged_in(tmp_path):
    for name, product in (("lp0", "0e27"), ("lp1", "0e28")):
        usb = tmp_path / "devices" / name
        interface = usb / "1.0"
        interface.mkdir(parents=True)
        (usb / "idVendor").write_text("04b8\n")
        (usb / "idProduct").write_text(f"{product}\n")
        known = tmp_path / "class" / name
        known.mkdir(parents=True)
        (known / "device").symlink_to(interface)

    found = find_usb(0x04B8, 0x0E28, known=tmp_path / "class", devices=tmp_path)

    assert found == tmp_path / "lp1"


# --- sheets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per_page", "pages"), [(8, 2), (12, 1), (1, 10)])
def test_every_code_of_the_sheets_reads_back(settings, tmp_path, per_page, pages):
    printer = PdfPrinter(settings("pdf", str(tmp_path / "out"), per_page=per_page))
    printer.print([lay_out_ticket(a_ticket(number)) for number in range(10)])

    [path] = (tmp_path / "out").iterdir()
    sheets = pypdfium2.PdfDocument(path)
    codes = set()
    for sheet in sheets:
        picture = np.ascontiguousarray(sheet.render(scale=2).to_numpy()[:, :, :3])
        codes |= {reading.text for reading in read_all(picture, ZXING_STAGES)}
    said = sheets[0].get_textpage().get_text_bounded()
    count = len(sheets)
    sheets.close()
    assert (count, codes) == (pages, {a_code(number) for number in range(10)})
    assert "门票 TICKET" in said


def test_a_sheet_never_takes_the_place_of_another(settings, tmp_path):
    printer = PdfPrinter(settings("pdf", str(tmp_path)))
    for _ in range(2):
        printer.print([lay_out_ticket(a_ticket())])

    assert sorted(path.name for path in tmp_path.iterdir()) == ["T1-57-2.pdf", "T1-57.pdf"]


def test_a_folder_that_cannot_be_written_lets_the_tickets_wait(settings, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotPrinted):
        PdfPrinter(settings("pdf", str(tmp_path / "file"))).print([lay_out_ticket(a_ticket())])


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('kind = "laser"', "printer.kind"),
        ('kind = "pdf"', "printer.address: say where"),
        ('kind = "escpos-usb"\naddress = "lp0"', "VENDOR:PRODUCT"),
        ('kind = "escpos-network"\naddress = ""', "HOST"),
        ("width_px = 100", "printer.width_px"),
        ('encoding = "klingon"', "code page"),
        ("paper = 1", "printer.paper: unknown"),
    ],
)
def test_a_wrong_setting_of_the_printer_is_named(tmp_path, lines, said):
    (tmp_path / "scanner.toml").write_text(f"[printer]\n{lines}\n", "utf-8")

    with pytest.raises(InvalidInput, match=said):
        load_settings(tmp_path)


def test_no_printer_is_none(tmp_path):
    assert open_printer(load_settings(tmp_path).printer) is None
