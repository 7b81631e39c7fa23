"""A camera in the network: a real stream over HTTP that stalls, breaks off and comes back."""

import socket
import time

import pytest

from admission.errors import InvalidInput
from scanner_client.capture_network import NetworkCamera, find_place
from scanner_client.rescue import read_fast
from tests.cameras import PASSWORD, FakeCamera
from tests.frames import a_frame
from tests.rtsp import FakeRtspCamera
from tests.scanner_client.watching import wait_for, watching

SCENE = a_frame("9K3F-22AX")
OTHER = a_frame("OTHER-0002")


def code_in(frame):
    return [reading.text for reading in read_fast(frame.image[:, :, 1])]


@pytest.mark.parametrize("path", ["/stream", "/picture.jpg"])
def test_camera_gives_what_it_sees_now(path):
    with FakeCamera(SCENE) as camera:
        source = NetworkCamera(camera.url(path), timeout_s=2)
        with watching(source) as (seen, reports):
            wait_for(lambda: len(seen) > 3)
            camera.scene = FakeCamera.as_picture(OTHER)
            shown_s = time.monotonic()
            wait_for(lambda: code_in(seen[-1]) == ["OTHER-0002"])
            late_s = time.monotonic() - shown_s

    assert seen[0].live
    assert code_in(seen[0]) == ["9K3F-22AX"]
    assert late_s < 2
    assert reports == []


def test_camera_that_speaks_rtsp_is_read_lost_and_back(capfd):
    with (
        FakeRtspCamera(SCENE) as camera,
        watching(NetworkCamera(camera.url, timeout_s=0.6)) as (seen, reports),
    ):
        wait_for(lambda: len(seen) > 3)
        camera.plays = False
        wait_for(lambda: len(reports) == 1)
        camera.scene = camera.as_picture(OTHER)
        camera.plays = True
        wait_for(lambda: len(reports) == 2)
        wait_for(lambda: code_in(seen[-1]) == ["OTHER-0002"])

    assert code_in(seen[3]) == ["9K3F-22AX"]
    assert seen[3].image.shape == (720, 1280, 3)
    said = capfd.readouterr()
    assert PASSWORD not in f"{reports}{said.out}{said.err}"


@pytest.mark.parametrize("behaves", ["stalls", "breaks"])
def test_stream_that_stands_still_or_ends_is_told_and_opened_again(behaves):
    with FakeCamera(SCENE, behaves=behaves) as camera:
        source = NetworkCamera(camera.url("/stream"), timeout_s=0.4)
        with watching(source) as (seen, reports):
            wait_for(lambda: reports)
            camera.behaves = "streams"
            wait_for(lambda: len(seen) > 8)

    assert [report.partition(": ")[2][:4] for report in reports] == ["无法读取", "已恢复 "]
    assert camera.calls >= 2


def test_camera_that_is_away_is_told_once_without_its_password(capfd):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        source = NetworkCamera(f"rtsp://gate:{PASSWORD}@127.0.0.1:{port}/{PASSWORD}", timeout_s=0.5)
        with watching(source) as (seen, reports):
            wait_for(lambda: reports)
            time.sleep(1.3)

    assert seen == []
    assert len(reports) == 1
    assert f"rtsp://127.0.0.1:{port}" in reports[0]
    said = capfd.readouterr()
    assert PASSWORD not in f"{reports}{source!r}{said.out}{said.err}"


def test_wrong_password_is_a_camera_without_pictures(capfd):
    with FakeCamera(SCENE) as camera:
        source = NetworkCamera(camera.url("/stream").replace(PASSWORD, "wr0ng"), timeout_s=1)
        with watching(source) as (seen, reports):
            wait_for(lambda: reports)

    assert (seen, camera.calls) == ([], 0)
    said = capfd.readouterr()
    assert "wr0ng" not in f"{reports}{said.out}{said.err}"


@pytest.mark.parametrize("place", ["", "/path", "[half", "h:99999/"])
def test_url_that_leads_nowhere_is_refused_without_being_repeated(place):
    with pytest.raises(InvalidInput) as caught:
        NetworkCamera(f"rtsp://gate:{PASSWORD}@{place}", timeout_s=1)

    assert PASSWORD not in str(caught.value)


def test_only_the_place_of_a_url_is_told():
    assert (
        find_place("http://u:p@192.0.2.7:8080/user=u_password=p?pwd=p") == "http://192.0.2.7:8080"
    )
    assert find_place("rtsp://[2001:db8::7]/live") == "rtsp://[2001:db8::7]"
