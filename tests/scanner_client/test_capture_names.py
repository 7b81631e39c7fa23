"""Sources by their names, on the command line and in the settings."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from admission.errors import InvalidInput
from scanner_client.capture_camera import Camera, Video
from scanner_client.capture_evdev import Wedge
from scanner_client.capture_files import Folder
from scanner_client.capture_names import join_paths, open_sources
from scanner_client.capture_network import NetworkCamera
from scanner_client.capture_serial import SerialReader
from scanner_client.capture_terminal import Terminal
from scanner_client.settings import load_settings


@pytest.fixture
def settings(tmp_path):
    return load_settings(tmp_path)


def opened(settings, *names):
    return open_sources(names, settings, sys.stdin)


def test_sources_are_named(settings, tmp_path):
    video = tmp_path / "a b.avi"
    video.touch()

    assert opened(settings, "camera:1", f"video {video}", f"folder:{tmp_path}") == [
        Camera(1, 1280, 720),
        Video(video),
        Folder(tmp_path),
    ]


def test_readers_are_named_and_set_as_the_settings_say(settings):
    readers = replace(settings.readers, prefix="]C", suffix="#", baud=115_200, network_timeout_s=9)
    names = ("evdev:/dev/input/by-id/usb-x", "serial /dev/ttyUSB0", "stdin", "rtsp://u:p@h/live")

    wedge, port, terminal, camera = opened(replace(settings, readers=readers), *names)

    assert isinstance(wedge, Wedge)
    assert wedge.path == Path("/dev/input/by-id/usb-x")
    assembly = wedge.new_assembly()
    assert (assembly.prefix, assembly.suffix, assembly.pause_s) == (b"]C", b"#", 0.3)
    assert isinstance(port, SerialReader)
    assert (port.path, port.baud, port.frame) == (Path("/dev/ttyUSB0"), 115_200, "8N1")
    assert isinstance(terminal, Terminal)
    assert terminal.assembly.pause_s == 0
    assert camera == NetworkCamera("rtsp://u:p@h/live", 9)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "camera",
        "camera:x",
        "video",
        "video /no/file",
        "folder /no",
        "evdev",
        "serial:",
        "usb:1",
    ],
)
def test_source_that_is_none_is_refused(settings, name):
    with pytest.raises(InvalidInput, match="source"):
        opened(settings, name)


def test_password_of_a_camera_is_in_no_error(settings):
    with pytest.raises(InvalidInput) as caught:
        opened(settings, "rstp://gate:pa55@192.0.2.7/live")

    assert "pa55" not in str(caught.value)


def test_one_device_cannot_be_two_readers(settings):
    with pytest.raises(InvalidInput, match="twice"):
        opened(settings, "stdin", "stdin")


def test_paths_follow_the_sources_that_take_them():
    names = ("folder", "stdin", "video")

    assert join_paths(names, ("pictures", "a b.avi")) == [
        "folder pictures",
        "stdin",
        "video a b.avi",
    ]


def test_path_that_no_source_takes_is_refused():
    with pytest.raises(InvalidInput, match="nothing reads"):
        join_paths(("stdin",), ("pictures",))
