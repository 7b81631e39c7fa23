"""Tables that a phone draws as cards: each cell is named after its header."""

from gate_server.web.board.stacked import name_cells

HEAD = '<thead><tr><th scope="col">Gate</th><th scope="col" class="number">{}</th></tr></thead>'
ROW = '<tr id="gate-1"><th scope="row">South</th><td class="number">{}</td></tr>'


def table(header, *values, of=""):
    rows = "".join(ROW.format(value) for value in values)
    return f"<table{of}>{HEAD.format(header)}<tbody>{rows}</tbody></table>"


def test_cells_are_named_after_their_header_in_every_row():
    shown = name_cells(f"<p>above</p>{table('People', 4, 7)}<p>below</p>")

    assert shown.count('<td data-label="People" class="number">') == 2
    assert shown.startswith('<p>above</p><table class="stack"><thead>')
    assert shown.endswith("</table><p>below</p>")


def test_table_keeps_its_own_class():
    assert '<table class="stack log">' in name_cells(table("People", 4, of=' class="log"'))


def test_name_is_text_and_never_markup():
    shown = name_cells(table('<b>In &lt;5</b> "min" & more', 4))

    assert 'data-label="In &lt;5 &#34;min&#34; &amp; more"' in shown


def test_header_that_eyes_do_not_see_names_nothing():
    assert "data-label" not in name_cells(table('<span class="unseen">Change</span>', 4))


def test_part_that_was_drawn_before_stays_as_it_is():
    once = name_cells(table("People", 4))

    assert name_cells(once) == once


def test_table_without_a_header_is_left_alone():
    plain = '<table><tr><th scope="row">people</th><td>4</td></tr></table>'

    assert name_cells(f"<thead></thead>{plain}") == f"<thead></thead>{plain}"
