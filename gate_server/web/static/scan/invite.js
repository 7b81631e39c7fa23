// Hand the enrolment code on to the hand scanner; it stays behind the # and reaches no log.

const link = document.getElementById("here");
const why = document.getElementById("why");

if (location.hash.length > 1) {
  link.href = `/scan${location.hash}`;
} else {
  why.hidden = false;
  why.textContent = "链接中没有登记码，请扫描主管出示的二维码。 The link has no code: scan the one that the supervisor shows.";
}
