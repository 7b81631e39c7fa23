"""What the drill says to people, in Chinese and English: its parts, its table, its invariants."""

from __future__ import annotations

from typing import Final

INVARIANTS: Final = {
    "shown_once": ("每次验票结果恰好入账一次", "every verdict shown is on record, once"),
    "all_answered": ("每个入园码都有结果", "every code got a verdict"),
    "doubles_found": ("重复入园全部查出", "who came in twice was found"),
    "honest_received": ("正常购票游客全部放行", "honest visitors were let in"),
    "strangers_refused": ("无售出记录的码未放行", "codes nobody sold let nobody in"),
    "honoured_in_time": ("照常入园者均在截止前到场", "honoured means arrived in time"),
    "never_after_list": ("列入退款清单者不再放行", "listed refunds let nobody in"),
    "balanced": ("结算单借贷平衡", "the settlement is balanced"),
    "settled_as_seen": ("结算与验票记录独立核算一致", "the settlement is what was seen"),
    "lists_complete": ("各清单合计与结算一致", "the lists add up to the settlement"),
    "same_bytes": ("重做结算字节一致", "the same settlement has the same bytes"),
    "signed": ("双方已签署结算单", "both sides have signed"),
    "chain_whole": ("审计链完整", "the audit chain is whole"),
    "counters_true": ("计数与记录一致", "counters are what the rows add up to"),
    "occupancy_right": ("在园人数正确", "the people inside are right"),
    "all_told": ("所有设备已显示通知", "every scanner has shown the broadcast"),
    "incident_told": ("突发事件自动建立并已结束", "the incident opened by itself and is closed"),
}
"""The invariants of `checks.py` by name."""

PARTS: Final = {
    "venue": ("建立演练场馆", "a venue is made"),
    "night": ("夜间售出", "the night's sale"),
    "crowd": ("模拟客流", "the crowd is drawn"),
    "morning": ("闸机启动并下载票库", "scanners start and download"),
    "void": ("活动取消下发", "the deal is voided"),
    "day": ("当日验票", "the day"),
    "refunds": ("平台批量退款", "refunds in bulk"),
    "accounts": ("结算与签署", "settlement and signatures"),
    "checks": ("核对", "invariants"),
}
"""The parts of the drill, as its progress tells them."""

REAL: Final = ("实测", "real")
PLAYED: Final = ("实际验票", "played")
MODEL: Final = ("模拟", "model")

ROWS: Final = {
    "hold": ("首笔异常售票到暂停验票", "first absurd sale to hold"),
    "void": ("活动取消到最后一台设备", "void to the last scanner"),
    "verdicts": ("在线验票用时 p50 / p99", "online verdicts, p50 / p99"),
    "offline": ("离线验票用时 p50 / p99", "offline verdicts, p50 / p99"),
    "honoured": ("照常入园", "honoured"),
    "admitted": ("普通票入园", "admitted on ordinary tickets"),
    "overridden": ("主管放行", "let in by a supervisor"),
    "refused": ("暂不能入园", "refused"),
    "referred": ("人工核验（每通道每小时）", "referred (calls a lane and hour)"),
    "stamps": ("到场登记", "arrivals stamped"),
    "saved": ("截止后凭登记入园", "let in after the cut-off by a stamp"),
    "doubles": ("断网期间重复入园（已查出）", "double uses found"),
    "queue": ("最长排队：有 / 无疏导员", "longest queue: with / without marshals"),
    "wait": ("最长等候：有 / 无疏导员", "longest wait: with / without marshals"),
    "turned": ("到场却无凭据被拒：有 / 无疏导员", "in time but turned away: with / without"),
    "statement": ("结算单", "statement"),
    "owed": ("平台应付场馆", "owed to the venue"),
    "refunds": ("退款清单", "refund list"),
    "reverse": ("应追回退款", "refunds to reverse"),
    "compensation": ("补偿", "compensation"),
    "took": ("演练用时", "the drill took"),
}
"""The rows of the table, by name."""

PEOPLE: Final = ("人", "people")
TIMES: Final = ("次", "times")
