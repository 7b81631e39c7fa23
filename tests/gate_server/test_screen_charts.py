"""Charts for pages: well-formed, said in words, whatever the numbers and the texts."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from gate_server.screen_charts import Level, Said, column_chart, course_chart, spark

SVG = "{http://www.w3.org/2000/svg}"
SAID = Said("G1 每小时人数 <b>", '1,204 people & "more"')
CEILING, RECORD = Level("ceiling", "上限 ceiling", 660), Level("record", "纪录 record", 512)


def read(svg):
    return ElementTree.fromstring(svg.replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))


def charts():
    hours = [(f"{hour}:00", (hour * 10, hour % 3)) for hour in range(8, 20)]
    yield column_chart(hours, ("放行 in", "拒绝 <refused>"), SAID)
    yield column_chart([], (), SAID)
    yield column_chart([("8", (0,))], ("in",), SAID)
    yield course_chart([5.0, 7.5, 2.0], ["8:00", "8:01", "8:02"], [CEILING, RECORD], SAID)
    yield course_chart([], [], [CEILING], SAID)
    yield course_chart([3.0], ["8:00"], [], SAID)
    yield spark([1.0, 2.0, 0.0], SAID)
    yield spark([], SAID)


@pytest.mark.parametrize("chart", list(charts()), ids=range(8))
def test_a_chart_says_in_words_what_it_shows(chart):
    root = read(chart)

    assert (root.get("role"), root.get("aria-label")) == ("img", SAID.title)
    assert root.find(f"{SVG}title").text == SAID.title
    assert root.find(f"{SVG}desc").text == SAID.desc


@pytest.mark.parametrize("chart", list(charts()), ids=range(8))
def test_a_chart_holds_nothing_that_a_strict_policy_stops(chart):
    root = read(chart)
    names = {name for each in root.iter() for name in each.attrib}

    assert [name for name in names if name.startswith("on") or name in {"style", "href"}] == []
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        *("svg", "title", "desc", "rect", "line", "text", "polyline", "polygon")
    }
    assert "nan" not in chart
    assert "inf" not in chart


def test_columns_are_as_tall_as_what_they_count():
    root = read(column_chart([("8", (40, 10)), ("9", (80, 0))], ("in", "refused"), SAID))
    told = {each.find(f"{SVG}title").text: float(each.get("height")) for each in bars(root)}

    assert told["9 in: 80"] == pytest.approx(2 * told["8 in: 40"], abs=0.2)
    assert told["8 in: 40"] == pytest.approx(4 * told["8 refused: 10"], abs=0.5)
    assert "9 refused: 0" not in told


def test_scans_stand_beside_people_and_are_not_added_to_them():
    root = read(column_chart([("8", (16, 6, 2))], ("in", "refused", "referred"), SAID, apart=True))
    people, refused, referred = bars(root)
    scale = [each.text for each in root.iter(f"{SVG}text")]

    assert "20" in scale, "the scale is of 16 people, not of 24 of nothing"
    assert foot(people) == pytest.approx(foot(refused), abs=0.2)
    assert float(referred.get("y")) < float(refused.get("y"))
    assert float(refused.get("x")) == pytest.approx(
        float(people.get("x")) + float(people.get("width")), abs=0.2
    )


@pytest.mark.parametrize("most", [0, 1, 2, 3, 5, 7, 9, 11, 45, 99, 101, 24_300])
def test_scale_counts_nobody_by_halves(most):
    root = read(column_chart([("eight", (most,))], ("in",), SAID))
    scale = [each.text for each in root.iter(f"{SVG}text") if each.text not in {"in", "eight"}]

    assert [each for each in scale if "." in each] == []
    assert int(scale[-1].replace(",", "")) >= most


def test_sparklines_of_one_scale_can_be_compared():
    def height(svg):
        points = read(svg).find(f"{SVG}polyline").get("points").split()
        return 30 - min(float(point.split(",")[1]) for point in points)

    low, high = spark([0, 2, 0], SAID, top=13), spark([0, 13, 0], SAID, top=13)

    assert height(low) == pytest.approx(height(high) * 2 / 13, abs=0.1)


def foot(bar):
    return float(bar.get("y")) + float(bar.get("height"))


def bars(root):
    return [each for each in root.iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]


def test_a_ceiling_lies_above_the_course_that_keeps_to_it():
    root = read(course_chart([200.0, 330.0], ["8", "9"], [CEILING, RECORD], SAID))
    level = min(float(each.get("y1")) for each in root.iter(f"{SVG}line") if ceiling(each))
    points = root.find(f"{SVG}polyline").get("points").split()
    tops = [float(point.split(",")[1]) for point in points]

    assert all(top > level for top in tops)
    assert any("660" in (each.text or "") for each in root.iter(f"{SVG}text"))


def ceiling(line):
    return line.get("class") == "ceiling" and float(line.get("y1")) != 12


def test_a_long_day_has_few_labels():
    minutes = [f"{minute // 60}:{minute % 60:02}" for minute in range(600)]
    root = read(course_chart([1.0] * 600, minutes, [], SAID))

    assert len([each for each in root.iter(f"{SVG}text") if ":" in each.text]) <= 12
