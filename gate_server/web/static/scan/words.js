// What the page says, Chinese and English; sentences of verdicts come from the server.

const WORDS = {
  aim: ["对准入园码", "Point at the code"],
  reading: ["正在核验…", "Checking…"],
  no_camera: ["没有摄像头：用扫码键或输入", "No camera: use the scan key, or type the code"],
  camera_denied: ["摄像头被拒绝，请在浏览器设置中允许", "Camera refused: allow it in the browser's settings"],
  camera_insecure: ["此页面不受信任，不能用摄像头。请先安装景区证书：/ca", "The browser does not trust this page, so no camera. Install the certificate: /ca"],
  reader_missing: ["缺少识码程序，请用扫码键或手动输入", "The code reader is not installed: use the scan key, or type"],
  online: ["在线", "Online"], offline: ["离线", "Offline"], connecting: ["连接中", "Connecting"],
  mode: ["模式", "Mode"], admit: ["入园", "Admit"], check: ["查验", "Check"], reentry: ["再入园", "Re-entry"], exit: ["出园", "Exit"],
  arrive: ["到场登记", "Arrival"], exchange: ["换票", "Exchange"], count: ["计数", "Count"],
  torch: ["补光", "Torch"], type: ["输入", "Type"], party: ["人数", "People"], more: ["更多", "More"],
  recent: ["最近五次", "Last five"], lookup: ["查找电子票", "Find a voucher"], why: ["为什么排队", "Why it is busy"],
  settings: ["设置", "Settings"], close: ["关闭", "Close"], next: ["下一位", "Next"], back: ["返回", "Back"],
  annul: ["撤销", "Annul"], annul_people: ["撤销人数", "People to take back"],
  annul_why: ["原因", "Why"], annul_did_not_pass: ["没有通过", "Did not pass"],
  annul_wrong_mode: ["选错模式", "Wrong mode"], annul_wrong_people: ["人数有误", "Wrong number of people"],
  annulled: ["已撤销 {n} 人", "{n} taken back"], annul_failed: ["撤销未成功：{why}", "Not annulled: {why}"],
  nothing_yet: ["还没有记录", "Nothing yet"],
  people_in: ["{n} 人", "{n} people"], person_in: ["1 人", "1 person"], left: ["余 {n} 人", "{n} left"],
  order: ["本单已入 {n} / {of} 人", "Order: {n} of {of} in"],
  arrival_no: ["排队号 {n}", "Arrival no. {n}"],
  queue: ["排队截止", "Closed queue"], queue_which: ["登记的是哪个截止队伍的来宾？", "Whose people are stamped?"],
  queue_closed: ["{at} 排队截止 {id}", "Queue {id}, closed at {at}"],
  queue_stamps: ["登记为 {at} 排队截止 {id}", "Stamps count as queue {id}, closed at {at}"],
  queue_none: ["不选：按现在到场登记", "None: whoever comes arrives now"],
  queue_ended: ["{at} 排队截止 {id} 已结束：按现在到场登记", "Queue {id}, closed at {at}, is over: stamps count as now"],
  attested_queue: ["按 {at} 排队截止 {id} 计到场（{by} 证明）", "Arrived as of {at}: queue {id}, attested by {by}"],
  attested_slip: ["按号码单 {id} 计 {at} 到场（{by} 证明）", "Arrived as of {at}: slip {id}, attested by {by}"],
  slip_beside: ["已记住号码单 1 分钟，请接着扫电子票", "Slip remembered for a minute: now scan its voucher"], drop: ["取消", "Drop"],
  how_many: ["几位？", "How many people?"], which: ["哪一张？", "Which voucher?"],
  party_auto: ["自动", "auto"], party_next: ["下一次验票的人数", "People of the next scan"],
  tail: ["尾号 {tail}", "…{tail}"],
  not_decided: ["服务器没有应答。请不要放行，改到可用的检票口。", "No answer from the server: let nobody in here, send them to a lane that works."],
  exit_offline: ["请放行出园，联网后补记。", "Let them out; count them when the server is back."],
  kept: ["到场时间已保存在手机，联网后自动上传。票未核验。", "The time of arrival is kept here and sent later. The ticket was not checked."],
  not_kept: ["手机存不下，请叫值班主管。", "This phone cannot keep it: call a supervisor."],
  offline_word: ["离线：现在不能核验", "Offline: nothing can be checked now"],
  nearest: ["最近可用：{name}", "Nearest lane that works: {name}"],
  nearest_old: ["（{when} 的情况）", "(as of {when})"],
  no_lane: ["没有已知的可用检票口，请叫值班主管", "No lane is known to work: call a supervisor"],
  waiting: ["待上传 {n}", "{n} to upload"], uploaded: ["已上传 {n} 条", "{n} uploaded"],
  stuck: ["有一次验票可能已记为入园，请主管撤销（见设置）", "A scan may stand as admitted: a supervisor must annul it (see settings)"],
  rejected: ["{n} 条未被服务器接受，请告诉主管", "{n} not taken by the server: tell a supervisor"],
  declined: ["检票服务器没有受理，请叫值班主管。", "The gate server did not take this scan: call a supervisor."],
  slip: ["到场凭条", "Slip"], print: ["打印", "Print"], slip_copy: ["补打第 {n} 份", "Copy {n}"],
  slip_admits: ["仅证明到场，不能入园", "Proves that you came; admits nobody"],
  slip_none: ["没有凭条：{why}", "No slip: {why}"],
  slip_offline: ["离线时不能签名。验票已记录，联网后从“最近五次”再开。", "It cannot be signed offline. The scan is on record: open it from the last five once the server is back."],
  payment: ["这是付款码，请打开订单里的入园二维码。", "This is a payment code; please open the admission QR code in the order."],
  not_visitor: ["这是设备登记码或员工卡，不是入园码。", "This is a code for staff, not an admission code."],
  enrol_title: ["登记这部手机", "Enrol this phone"],
  enrol_scan: ["扫描主管出示的登记二维码", "Scan the enrolment code that the supervisor shows"],
  enrol_code: ["或输入登记码", "Or type the enrolment code"], enrol_given: ["登记码", "Enrolment code"],
  enrol_name: ["手机名称", "Name of this phone"], enrol_go: ["登记", "Enrol"],
  enrol_gone: ["登记码已用过或已过期，请主管重新生成。", "The code was used or has expired: ask for a new one."],
  enrol_other: ["这个登记码是另一台服务器的：{origin}", "This code is of another server: {origin}"],
  enrol_failed: ["登记未成功，请再按一次：{why}", "Not enrolled, press again: {why}"],
  revoked: ["此设备已停用，手机上的数据已清除。请交还主管。", "This device was revoked; what it kept was wiped. Hand it back to the supervisor."],
  unknown: ["服务器不认识此设备，请叫值班主管重新登记。", "The server does not know this device: a supervisor must enrol it anew."],
  suspended: ["登记码被用过两次，此设备已暂停，请叫值班主管。", "The enrolment code was used twice: this device is suspended, call a supervisor."],
  lookup_order: ["订单号", "Order"], lookup_phone: ["手机号", "Phone"], lookup_go: ["查找", "Find"],
  lookup_none: ["没有找到", "Nothing found"], lookup_more: ["还有更多，请用更准确的号码", "There are more: give a more exact number"],
  lookup_failed: ["查找未成功：{why}", "Not found out: {why}"],
  verify: ["核对手机", "Check the phone"], verify_digits: ["来宾说的下单手机号后四位", "Last 4 digits of the buyer's phone, as the visitor says"],
  verify_go: ["核对", "Check"], verify_yes: ["一致：是下单手机", "They match the buyer's phone"],
  verify_no: ["不一致，今天还可核对 {n} 次", "They do not match; {n} tries left today"], verify_failed: ["未核对：{why}", "Not checked: {why}"],
  free_child: ["免票儿童", "Free child"], concession: ["优惠", "Concession"], staff: ["员工", "Staff"], vip: ["贵宾", "VIP"],
  walk_in: ["现场购票", "Walk-in"], manual: ["其他", "Other"], undo: ["撤回上一次", "Undo the last"],
  count_failed: ["未记录：{why}", "Not counted: {why}"], count_in: ["进", "In"], count_out: ["出", "Out"],
  why_none: ["现在没有需要说明的情况", "Nothing to explain at the moment"],
  unavailable: ["本服务器没有此功能", "This server does not offer it"],
  understood: ["知道了", "Understood"],
  language: ["语言 Language", "Language 语言"], sound: ["声音", "Sound"], camera: ["摄像头", "Camera"],
  operator: ["操作员", "Operator"], operator_no: ["工号", "Number"], pin: ["密码", "PIN"], sign_in: ["签到", "Sign in"],
  sign_out: ["签退", "Sign out"], sign_in_failed: ["未签到：{why}", "Not signed in: {why}"],
  sign_in_first: ["请先签到", "Sign in first"], sign_in_how: ["刷工牌，或输入工号和密码", "Scan your badge, or type number and PIN"],
  sign_in_wrong: ["工牌无效，或工号与密码不符", "The badge is not valid, or number and PIN do not match"],
  sign_in_locked: ["密码错误次数过多，请刷工牌，或 15 分钟后再试", "Too many wrong PINs: use a badge, or try again in 15 minutes"],
  signed_in: ["已签到 {who}", "Signed in: {who}"], signed_out: ["已签退 {who}", "Signed out: {who}"],
  help: ["求助", "Help"], help_what: ["值班人员会马上收到本检票口的求助。", "Whoever is on duty is called to this gate at once."],
  help_sure: ["确认呼叫现场支援", "Call for help now"], help_called: ["{at} 已求助，等待回应", "Help called at {at}, not answered yet"],
  help_alone: ["{at} 已登记求助，但值班名单为空，系统不会呼叫任何人：请用电话或对讲机", "Help noted at {at}, but nobody is on the duty list, so nobody is called: use the phone or radio"],
  help_seen: ["{at} 已求助，{who} 已收到", "Help called at {at}, seen by {who}"],
  help_waiting: ["{at} 已求助，联网后立即发送；急事请用电话", "Help called at {at}, sent as soon as the server is back; else use the phone"],
  help_failed: ["求助未被受理，请用电话：{why}", "The call for help was not taken, use the phone: {why}"],
  install: ["安装到桌面", "Install on this phone"], device: ["设备", "Device"],
  forget: ["从此手机移除", "Remove from this phone"], forget_waiting: ["还有 {n} 条没有上传，不能移除。", "{n} are not uploaded yet: it stays."],
  forget_sure: ["再按一次确认", "Press again to confirm"],
  paused: ["本检票口暂停入园", "This gate is paused"], exit_only: ["本检票口只出不进", "This gate is exit only"],
  emergency: ["紧急疏散：停止入园，全部放行出园", "Evacuation: nobody enters, everybody may leave"],
  on: ["开", "on"], off: ["关", "off"], voided: ["已取消", "voided"], held: ["待确认", "on hold"], busy: ["人多", "busy"],
  tickets: ["纸质门票 {n} 张", "Tickets: {n}"],
  sold: ["已售 {n}", "{n} sold"], used: ["已入园 {n}", "{n} came in"], to_come: ["今日预计还有 {n}", "{n} still to come today"], until: ["{n} 前可入园", "let in until {n}"],
};

let language = "zh";

export function speak(chosen) {
  language = chosen === "en" ? "en" : "zh";
  document.documentElement.lang = language;
}

export const spoken = () => language;

/** Say one thing in a language, by default the one that is spoken. */
export function word(key, values = {}, inLanguage = language) {
  const text = WORDS[key][inLanguage === "zh" ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Say one thing in both languages, the spoken one first. */
export const both = (key, values) => order(word(key, values, "zh"), word(key, values, "en"));

/** Put a server's `{zh, en}` into the order of reading. */
export const say = (text) => order(text.zh, text.en);

const order = (zh, en) => (language === "zh" ? [zh, en] : [en, zh]);

export const known = (key) => Object.hasOwn(WORDS, key);
